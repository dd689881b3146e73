// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/timestep_embedding.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

TEST(TimestepEmbeddingTest, PublishedValues) {
  const at::Tensor e = timestep_embedding(at::full({1}, 937.0), 256)[0];
  const std::pair<int64_t, double> published[] = {
      {0, 0.69283061},   {1, 0.15343251},    {2, 0.63894803}, {127, 0.99493497},
      {128, 0.72110037}, {129, -0.98815913}, {255, 0.1005207}};
  for (const auto& [index, value] : published) {
    EXPECT_NEAR(e[index].item<double>(), value, 1e-7) << index;
  }
}

TEST(TimestepEmbeddingTest, FloatAnglesAreCloseButNotEqual) {
  const at::Tensor t = at::full({2, 3}, 999.0);
  const at::Tensor exact = timestep_embedding(t, 256);
  const at::Tensor rough = timestep_embedding(t, 256, AnglePrecision::kFloat);
  EXPECT_EQ(exact.sizes(), (at::IntArrayRef{2, 3, 256}));
  EXPECT_TENSOR_NEAR(rough, exact, 3e-4);
  EXPECT_FALSE(rough.equal(exact));
}

}  // namespace
}  // namespace mw::ops
