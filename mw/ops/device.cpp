// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>
#include <c10/core/DeviceGuard.h>
#include <dlfcn.h>

#include <array>
#include <charconv>
#include <filesystem>

#include "mw/core/error.h"

namespace mw::ops {
namespace {

struct GpuLibrary {
  const char* file;
  const char* platform;
};

constexpr std::array<GpuLibrary, 2> kLibraries = {
    {{"libtorch_cuda.so", "CUDA"}, {"libtorch_hip.so", "HIP"}}};

/// Whether a driver has made its devices; without one there is nothing to load for.
bool has_driver() {
  std::error_code ignored;
  return std::filesystem::exists("/dev/nvidiactl", ignored) ||
         std::filesystem::exists("/dev/kfd", ignored) ||
         std::filesystem::exists("/dev/dxg", ignored);  // WSL.
}

/// The first line of what libtorch throws; the call stack follows it.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

GpuStatus load_gpu() {
  GpuStatus status;
  for (const GpuLibrary& library : kLibraries) {
    // Its static initialisers register the device and its operators. It stays for ever.
    if (::dlopen(library.file, RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      const char* error = ::dlerror();
      const std::string reason = error != nullptr ? first_line(error) : "it can't be loaded";
      // A library that is there and lacks another says more than one that is not there.
      const bool is_absent = reason.starts_with(std::string(library.file) + ": cannot open");
      if (status.reason.empty() || !is_absent) status.reason = reason;
      continue;
    }
    status.platform = library.platform;
    try {
      at::globalContext().lazyInitDevice(at::kCUDA);
      status.num_devices =
          at::globalContext().getAcceleratorHooksInterface(at::kCUDA).deviceCount();
      status.reason = status.num_devices > 0 ? "" : "the driver shows no device";
    } catch (const std::exception& error) {
      status.reason = first_line(error.what());
    }
    return status;
  }
  return status;
}

[[noreturn]] void refuse_device(const std::string& text) {
  throw Error(ErrorCode::kInvalidArgument,
              "--device: wanted auto, cpu, cuda or cuda:N, got " + quote_text(text));
}

int gpu_index(const std::string& text) {
  if (text == "cuda") return 0;
  int index = -1;
  const char* end = text.data() + text.size();
  if (!text.starts_with("cuda:") || std::from_chars(text.data() + 5, end, index).ptr != end ||
      index < 0 || index > 127) {
    refuse_device(text);
  }
  return index;
}

}  // namespace

const GpuStatus& gpu_status() {
  static const GpuStatus status = load_gpu();
  return status;
}

at::Device open_device(const std::string& text) {
  if (text == "cpu") return at::kCPU;
  if (text == "auto") {
    return has_driver() && gpu_status().num_devices > 0 ? at::Device(at::kCUDA, 0)
                                                        : at::Device(at::kCPU);
  }
  const int index = gpu_index(text);
  const GpuStatus& status = gpu_status();
  if (status.num_devices == 0) {
    throw Error(ErrorCode::kDevice, "--device " + text + ": no GPU that libtorch can use: " +
                                        status.reason + "; see docs/cuda.md, or use --device cpu");
  }
  if (index >= status.num_devices) {
    throw Error(ErrorCode::kDevice,
                concat_message("--device ", text, ": this machine has ", status.num_devices,
                               " of them, cuda:0 to cuda:", status.num_devices - 1));
  }
  return {at::kCUDA, static_cast<at::DeviceIndex>(index)};
}

std::optional<DeviceMemory> device_memory(at::Device device) {
  if (!device.is_cuda()) return std::nullopt;
  const auto [free, total] = at::accelerator::getMemoryInfo(device.index());
  return DeviceMemory{static_cast<int64_t>(free), static_cast<int64_t>(total)};
}

}  // namespace mw::ops
