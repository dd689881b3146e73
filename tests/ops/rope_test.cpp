// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/rope.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

/// Unit vectors (1, 0) in every pair: after rotation they read (cos, sin) of each angle.
at::Tensor unit_pairs(int64_t num_tokens, int64_t head_dim) {
  at::Tensor x = at::zeros({1, num_tokens, 1, head_dim / 2, 2});
  x.select(4, 0).fill_(1);
  return x.flatten(3);
}

TEST(RopeTest, PublishedTemporalAngles) {
  const RopeTable rope = RopeTable::for_video(128, std::vector<int64_t>{5}, 1, 1);
  const at::Tensor turned = rope.rotate(unit_pairs(1, 128)).flatten();
  const auto expect_pair = [&](int64_t pair, double cosine, double sine) {
    EXPECT_NEAR(turned[2 * pair].item<double>(), cosine, 1e-6) << pair;
    EXPECT_NEAR(turned[2 * pair + 1].item<double>(), sine, 1e-6) << pair;
  };
  expect_pair(0, 0.28366219, -0.95892427);
  expect_pair(1, -0.98905714, -0.14753296);
  expect_pair(21, 0.99999971, 0.00075996);
  expect_pair(22, 1, 0);  // The row axis begins: position 0.
}

TEST(RopeTest, AxesHaveTheirOwnPairsAndPositions) {
  // Head size 12: 4 elements of time, 4 of rows, 4 of columns.
  const RopeTable rope = RopeTable::for_video(12, std::vector<int64_t>{7}, 3, 4);
  const at::Tensor turned = rope.rotate(unit_pairs(12, 12)).view({3, 4, 6, 2});
  const at::Tensor token = turned[2][3];  // Row 2, column 3.
  const double angles[] = {7, 7 * 0.01, 2, 2 * 0.01, 3, 3 * 0.01};
  for (int64_t pair = 0; pair < 6; ++pair) {
    EXPECT_NEAR(token[pair][0].item<double>(), std::cos(angles[pair]), 1e-6) << pair;
    EXPECT_NEAR(token[pair][1].item<double>(), std::sin(angles[pair]), 1e-6) << pair;
  }
}

TEST(RopeTest, KeepsNormsAndZeroPositionIsIdentity) {
  const RopeTable rope = RopeTable::for_video(8, std::vector<int64_t>{0, 300}, 1, 1);
  const at::Tensor x = test::random_tensor({2, 2, 3, 8}, 1);
  const at::Tensor turned = rope.rotate(x);
  EXPECT_TENSOR_NEAR(turned.select(1, 0), x.select(1, 0), test::kExact);
  EXPECT_TENSOR_NEAR(turned.norm(2, -1), x.norm(2, -1), test::kFp32Reordered);
  EXPECT_EQ(rope.rotate(x.to(at::kBFloat16)).scalar_type(), at::kBFloat16);
}

TEST(RopeTest, WrongShapesAreNamed) {
  const RopeTable rope = RopeTable::for_video(8, std::vector<int64_t>{0}, 1, 2);
  EXPECT_ERROR(rope.rotate(at::zeros({1, 3, 1, 8})), ErrorCode::kInvalidArgument,
               "x must be [B, 2, N, 8], got [1, 3, 1, 8]");
  EXPECT_ERROR(RopeTable::for_video(4, std::vector<int64_t>{0}, 1, 1), ErrorCode::kInvalidArgument,
               "at least 6, got 4");
}

}  // namespace
}  // namespace mw::ops
