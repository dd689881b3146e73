// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/transformer.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

/// Published recipe for reference weights: names sorted by byte, parameter k, flat element i:
/// 0.1 sin(0.7 (i mod 1009) + 1.3 k), plus 1 for one-dimensional `.weight`s.
void fill_with_recipe(const nn::ParameterStore& store) {
  int64_t k = 0;
  for (const auto& [name, tensor] : store.tensors()) {
    float* data = tensor.data_ptr<float>();
    const double offset = tensor.dim() == 1 && name.ends_with(".weight") ? 1 : 0;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      data[i] = static_cast<float>(
          0.1 * std::sin(0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k)) +
          offset);
    }
    ++k;
  }
}

WanConfig golden_config() {
  WanConfig config;
  config.dim = 48;
  config.ffn_dim = 96;
  config.num_heads = 4;
  config.num_layers = 2;
  config.text_dim = 32;
  return config;
}

struct Published {
  double mean, deviation, absmax;
  std::vector<double> first, last;
};

void expect_published(const at::Tensor& out, const Published& wanted) {
  const at::Tensor flat = out.flatten().to(at::kDouble);
  EXPECT_NEAR(flat.mean().item<double>(), wanted.mean, 2e-6);
  EXPECT_NEAR(flat.std(false).item<double>(), wanted.deviation, 2e-6);
  EXPECT_NEAR(flat.abs().max().item<double>(), wanted.absmax, 5e-6);
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(flat[i].item<double>(), wanted.first[static_cast<size_t>(i)], 1e-5);
    EXPECT_NEAR(flat[flat.numel() - 4 + i].item<double>(), wanted.last[static_cast<size_t>(i)],
                1e-5);
  }
}

TEST(TransformerTest, PublishedT2VVector) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(golden_config(), nn::WeightScope(store));
  fill_with_recipe(store);
  const at::Tensor x = test::ramp({1, 16, 3, 4, 6}, 0.31);
  const at::Tensor text = test::ramp({1, 7, 32}, 0.23);
  const at::Tensor out = model.forward(x, at::full({1}, 937.0), model.context(text));
  expect_published(out, {-0.037097,
                         1.245302,
                         2.371247,
                         {-1.385472, 1.012576, -1.510888, 0.907052},
                         {1.529097, -0.31443, 1.382888, -0.636882}});
}

TEST(TransformerTest, PublishedI2VVector) {
  WanConfig config = golden_config();
  config.in_dim = 36;
  config.image_dim = 1280;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  fill_with_recipe(store);
  const at::Tensor x =
      at::cat({test::ramp({1, 16, 3, 4, 6}, 0.31), test::ramp({1, 20, 3, 4, 6}, 0.19)}, 1);
  const Context context =
      model.context(test::ramp({1, 7, 32}, 0.23), test::ramp({1, 257, 1280}, 0.017));
  expect_published(model.forward(x, at::full({1}, 937.0), context),
                   {0.014744,
                    0.692024,
                    1.558336,
                    {1.031843, -0.956304, 1.164, -1.142088},
                    {-0.905286, -0.421488, -1.059288, -0.659515}});
}

TEST(TransformerTest, PublishedPerFrameTimestepVector) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(golden_config(), nn::WeightScope(store));
  fill_with_recipe(store);
  at::Tensor t = at::full({1, 3}, 937.0);
  t[0][0] = 0;  // The first six tokens are the first latent frame.
  expect_published(model.forward(test::ramp({1, 16, 3, 4, 6}, 0.31), t,
                                 model.context(test::ramp({1, 7, 32}, 0.23))),
                   {-0.036839,
                    1.246621,
                    2.367428,
                    {-1.399037, 1.021994, -1.528132, 0.928793},
                    {1.529093, -0.314435, 1.382883, -0.636887}});
}

/// First and last frame: 2 x 257 image rows with a learned position each.
TEST(TransformerTest, PublishedFirstAndLastFrameVector) {
  WanConfig config = golden_config();
  config.in_dim = 36;
  config.image_dim = 1280;
  config.image_positions = 514;
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const Transformer model(config, nn::WeightScope(store));
  fill_with_recipe(store);
  const at::Tensor x =
      at::cat({test::ramp({1, 16, 3, 4, 6}, 0.31), test::ramp({1, 20, 3, 4, 6}, 0.19)}, 1);
  const at::Tensor text = test::ramp({1, 7, 32}, 0.23);
  const at::Tensor image = test::ramp({2, 257, 1280}, 0.017);
  const at::Tensor out = model.forward(x, at::full({1}, 937.0), model.context(text, image));
  expect_published(out, {-0.009814,
                         0.595594,
                         1.318825,
                         {0.017009, -0.143377, -0.021144, -0.199429},
                         {0.086652, 0.154539, -0.023054, -0.007603}});
  EXPECT_TENSOR_NEAR(
      model.forward(x, at::full({1}, 937.0), model.context(text, image.view({1, 514, 1280}))), out,
      test::kExact);
  EXPECT_ERROR(model.context(text, image.narrow(0, 0, 1)), ErrorCode::kInvalidArgument,
               "[2, 257, 1280], the first and the last frame");
}

}  // namespace
}  // namespace mw::wan
