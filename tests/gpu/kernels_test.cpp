// SPDX-License-Identifier: Apache-2.0
// The GPU kernels' formulas, indices and dtypes against the operations of mw/ops, on the processor.
// What this leaves open is what only a GPU shows: the sum over a block's threads.
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <gtest/gtest.h>

#include <array>

#include "gpu/mw_gpu.h"
#include "mw/ops/modulate.h"
#include "mw/ops/norm.h"
#include "mw/ops/rope.h"
#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

constexpr double kEps = 1e-6;
constexpr int64_t kBatch = 2, kFrames = 3, kFrameTokens = 4, kWidth = 48;
constexpr int64_t kTokens = kFrames * kFrameTokens;

class GpuKernelsTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat) {
    return test::random_tensor(shape, ++seed_).to(dtype);
  }
  at::ScalarType dtype() const { return GetParam(); }
  static int code(at::ScalarType dtype) {
    return dtype == at::kBFloat16 ? kMwGpuBFloat16 : kMwGpuFloat32;
  }
  /// Equal but for the order of sums: a unit in the last place of the dtype.
  double tolerance() const { return dtype() == at::kBFloat16 ? 0.04 : 1e-5; }

  uint64_t seed_ = 0;
};

TEST_P(GpuKernelsTest, RmsNorm) {
  const at::Tensor x = random({kBatch, kTokens, kWidth}, dtype()), weight = random({kWidth});
  const at::Tensor y = at::empty_like(x);
  ASSERT_EQ(
      mw_gpu_rms_norm(x.const_data_ptr(), weight.const_data_ptr<float>(), y.mutable_data_ptr(),
                      kBatch * kTokens, kWidth, kEps, code(dtype()), nullptr),
      0);
  EXPECT_TENSOR_NEAR(y, rms_norm(x, weight, kEps), tolerance());
}

TEST_P(GpuKernelsTest, RmsNormRope) {
  constexpr int64_t kHeads = 3, kHeadDim = kWidth / kHeads;
  const at::Tensor x = random({kBatch, kTokens, kWidth}, dtype()), weight = random({kWidth});
  const std::array<int64_t, 3> positions = {0, 1, 5};
  const RopeTable rope = RopeTable::for_video(kHeadDim, positions, 2, 2);
  const at::Tensor turns = rope.turns();
  const at::Tensor y = at::empty_like(x);
  ASSERT_EQ(
      mw_gpu_rms_norm_rope(x.const_data_ptr(), weight.const_data_ptr<float>(),
                           turns.const_data_ptr<float>(), y.mutable_data_ptr(), kBatch * kTokens,
                           kWidth, kTokens, kHeadDim, kEps, code(dtype()), nullptr),
      0);
  const at::Tensor heads = rms_norm(x, weight, kEps).unflatten(2, {kHeads, kHeadDim});
  EXPECT_TENSOR_NEAR(y, rope.rotate(heads).flatten(2), tolerance());
}

TEST_P(GpuKernelsTest, ModulatedNorm) {
  const at::Tensor x = random({kBatch, kTokens, kWidth}, dtype());
  for (const int64_t frames : {kFrames, int64_t{1}}) {
    // Slices of one table, as a block has them: rows lie 6 * kWidth apart.
    const at::Tensor table = random({kBatch, frames, 6, kWidth});
    const at::Tensor shift = table.select(2, 0), scale = table.select(2, 1);
    for (const at::ScalarType out_dtype : {at::kFloat, at::kBFloat16}) {
      const at::Tensor y = at::empty(x.sizes(), x.options().dtype(out_dtype));
      ASSERT_EQ(mw_gpu_modulated_norm(x.const_data_ptr(), shift.const_data_ptr<float>(),
                                      scale.const_data_ptr<float>(), y.mutable_data_ptr(), kBatch,
                                      kFrames, kFrameTokens, kWidth, shift.stride(0),
                                      frames > 1 ? shift.stride(1) : 0, kEps, code(dtype()),
                                      code(out_dtype), nullptr),
                0);
      EXPECT_TENSOR_NEAR(y, modulated_norm(x, shift, scale, kFrameTokens, kEps, out_dtype),
                         out_dtype == at::kBFloat16 ? 0.04 : tolerance());
    }
  }
}

TEST_P(GpuKernelsTest, GatedAdd) {
  const at::Tensor x = random({kBatch, kTokens, kWidth}, dtype());
  const at::Tensor gate = random({kBatch, kFrames, 6, kWidth}).select(2, 5);
  for (const at::ScalarType y_dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor y = random({kBatch, kTokens, kWidth}, y_dtype), out = at::empty_like(x);
    ASSERT_EQ(
        mw_gpu_gated_add(x.const_data_ptr(), y.const_data_ptr(), gate.const_data_ptr<float>(),
                         out.mutable_data_ptr(), kBatch, kFrames, kFrameTokens, kWidth,
                         gate.stride(0), gate.stride(1), code(dtype()), code(y_dtype), nullptr),
        0);
    EXPECT_TENSOR_NEAR(out, gated_add(x, y, gate, kFrameTokens), tolerance());
  }
}

TEST(GpuKernelsAbiTest, SpeaksForItself) {
  EXPECT_EQ(mw_gpu_abi(), MW_GPU_ABI);
  EXPECT_STREQ(mw_gpu_platform(), "CPU");
}

INSTANTIATE_TEST_SUITE_P(Dtypes, GpuKernelsTest, ::testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& dtype) { return at::toString(dtype.param); });

}  // namespace
}  // namespace mw::ops
