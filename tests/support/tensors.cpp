// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tensors.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

namespace mw::test {

nn::TensorMap load_golden(const std::string& name) {
  return nn::read_tensors(std::string(MW_SOURCE_DIR) + "/tests/goldens/" + name + ".safetensors");
}

::testing::AssertionResult tensors_near(const at::Tensor& got, const at::Tensor& wanted,
                                        double tolerance) {
  if (got.sizes() != wanted.sizes()) {
    return ::testing::AssertionFailure()
           << "shape " << got.sizes() << ", wanted " << wanted.sizes();
  }
  if (got.numel() == 0) return ::testing::AssertionSuccess();
  const at::Tensor difference = got.to(at::kDouble).sub(wanted.to(at::kDouble)).abs().flatten();
  const double worst = difference.max().item<double>();
  if (worst <= tolerance) return ::testing::AssertionSuccess();
  const int64_t at_index = difference.argmax().item<int64_t>();
  return ::testing::AssertionFailure()
         << "differs by " << worst << " (allowed " << tolerance << ") at flat index " << at_index
         << " of " << got.sizes() << ": got " << got.flatten()[at_index].item<double>()
         << ", wanted " << wanted.flatten()[at_index].item<double>();
}

at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  return at::empty(shape, at::TensorOptions(at::kFloat))
      .normal_(0, 1, at::detail::createCPUGenerator(seed));
}

at::Tensor ramp(at::IntArrayRef shape, double c) {
  const at::Tensor index =
      at::arange(c10::multiply_integers(shape), at::TensorOptions(at::kDouble));
  return index.mul(c).sin().to(at::kFloat).view(shape);
}

}  // namespace mw::test
