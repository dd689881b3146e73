// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/device.h"

#include <gtest/gtest.h>

#include "mw/ops/gpu_kernels.h"
#include "mw/ops/modulate.h"
#include "mw/ops/norm.h"
#include "tests/support/expect_error.h"
#include "tests/support/tensors.h"

namespace mw::ops {
namespace {

TEST(DeviceTest, TextsThatNameNoDeviceAreRefused) {
  for (const char* text :
       {"", "gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda:99999", "hip"}) {
    EXPECT_ERROR(open_device(text), ErrorCode::kInvalidArgument,
                 "wanted auto, cpu, cuda or cuda:N");
  }
  EXPECT_EQ(open_device("cpu"), at::Device(at::kCPU));
}

TEST(DeviceTest, AGpuIsOpenedOrItsAbsenceExplained) {
  const GpuStatus& status = gpu_status();
  if (status.num_devices > 0) {
    EXPECT_TRUE(status.reason.empty());
    EXPECT_EQ(open_device("cuda"), at::Device(at::kCUDA, 0));
    EXPECT_EQ(open_device("auto"), at::Device(at::kCUDA, 0));
    EXPECT_GT(device_memory(open_device("cuda"))->total, 0);
    EXPECT_ERROR(open_device("cuda:120"), ErrorCode::kDevice, "this machine has");
    return;
  }
  EXPECT_FALSE(status.reason.empty());
  EXPECT_ERROR(open_device("cuda"), ErrorCode::kDevice, status.reason);
  EXPECT_ERROR(open_device("cuda:1"), ErrorCode::kDevice, "or use --device cpu");
  EXPECT_EQ(open_device("auto"), at::Device(at::kCPU));
}

TEST(DeviceTest, TheCpuHasNoMemoryOfItsOwn) { EXPECT_FALSE(device_memory(at::kCPU).has_value()); }

TEST(GpuKernelsTest, LeaveOtherTensorsToTheComposition) {
  const at::Tensor x = test::random_tensor({1, 4, 8}, 1), row = test::random_tensor({1, 1, 8}, 2);
  EXPECT_FALSE(gpu_rms_norm(x, row.flatten(), 1e-6).defined());
  EXPECT_FALSE(gpu_modulated_norm(x, row, row, 4, 1e-6, at::kFloat).defined());
  EXPECT_FALSE(gpu_gated_add(x, x, row, 4).defined());
}

/// What a kernel must compute, on the device that has it; device parity of the plug-in.
class GpuParityTest : public ::testing::TestWithParam<at::ScalarType> {
 protected:
  void SetUp() override {
    if (gpu_status().num_devices == 0) GTEST_SKIP() << "no GPU: " << gpu_status().reason;
    if (gpu_plugin_status() != "CUDA" && gpu_plugin_status() != "HIP") {
      GTEST_SKIP() << "no kernels: " << gpu_plugin_status();
    }
  }
};

TEST_P(GpuParityTest, KernelsEqualTheComposition) {
  const at::Device gpu = open_device("cuda");
  const double tolerance = GetParam() == at::kBFloat16 ? 0.04 : 1e-4;
  const at::Tensor x = test::random_tensor({2, 12, 1536}, 1).to(GetParam()),
                   y = test::random_tensor({2, 12, 1536}, 2);
  const at::Tensor table = test::random_tensor({2, 3, 6, 1536}, 3),
                   weight = test::random_tensor({1536}, 4);
  const auto part = [&](int64_t i) { return table.select(2, i); };
  const auto on_gpu = [&](int64_t i) { return table.to(gpu).select(2, i); };
  EXPECT_TENSOR_NEAR(gpu_rms_norm(x.to(gpu), weight.to(gpu), 1e-6).cpu(), rms_norm(x, weight, 1e-6),
                     tolerance);
  EXPECT_TENSOR_NEAR(gpu_modulated_norm(x.to(gpu), on_gpu(0), on_gpu(1), 4, 1e-6, GetParam()).cpu(),
                     modulated_norm(x, part(0), part(1), 4, 1e-6, GetParam()), tolerance);
  EXPECT_TENSOR_NEAR(gpu_gated_add(x.to(gpu), y.to(gpu), on_gpu(2), 4).cpu(),
                     gated_add(x, y, part(2), 4), tolerance);
}

INSTANTIATE_TEST_SUITE_P(Dtypes, GpuParityTest, ::testing::Values(at::kFloat, at::kBFloat16),
                         [](const auto& dtype) { return at::toString(dtype.param); });

}  // namespace
}  // namespace mw::ops
