// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <string>

namespace mw::ops {

/// Whether libtorch can compute on a GPU of this machine.
struct GpuStatus {
  int num_devices = 0;   ///< 0: none.
  std::string platform;  ///< "CUDA" or "HIP" when there is one.
  std::string reason;    ///< Why there is none, for a message; empty when there is.
};

/// Loads libtorch's half for GPUs (`libtorch_cuda.so` or `libtorch_hip.so`, found where libtorch
/// itself lies), the first time it is called, and says what it finds. Thread safe.
const GpuStatus& gpu_status();

/// The device that a `--device` text means: `cpu`, `cuda`, `cuda:1` (also for AMD, as in PyTorch),
/// or `auto`: the first GPU when there is one, else the CPU. `auto` loads nothing on a machine
/// without a GPU driver.
/// Throws Error kInvalidArgument for another text, kDevice, with the reason, when there is no such
/// GPU.
at::Device open_device(const std::string& text);

/// Bytes of a GPU's memory.
struct DeviceMemory {
  int64_t free = 0, total = 0;
};

/// Nothing for the CPU.
std::optional<DeviceMemory> device_memory(at::Device device);

}  // namespace mw::ops
