// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/gpu_kernels.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "gpu/mw_gpu.h"
#include "mw/core/error.h"

namespace mw::ops {
namespace {

namespace fs = std::filesystem;

/// The plug-in's functions; null ones when it is not there.
struct Plugin {
  std::string status = "no libmw_gpu.so beside the program";
  decltype(&mw_gpu_error_text) error_text = nullptr;
  decltype(&mw_gpu_rms_norm) rms_norm = nullptr;
  decltype(&mw_gpu_rms_norm_rope) rms_norm_rope = nullptr;
  decltype(&mw_gpu_modulated_norm) modulated_norm = nullptr;
  decltype(&mw_gpu_gated_add) gated_add = nullptr;
};

template <class Function>
bool bind(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

fs::path plugin_path() {
  const char* given = std::getenv("MW_GPU_PLUGIN");
  if (given != nullptr && *given != '\0') return given;
  std::error_code ignored;
  return fs::read_symlink("/proc/self/exe", ignored).parent_path() / "libmw_gpu.so";
}

Plugin load_plugin() {
  Plugin plugin;
  const fs::path path = plugin_path();
  std::error_code ignored;
  if (!fs::exists(path, ignored)) return plugin;
  void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    plugin.status = ::dlerror();
    return plugin;
  }
  decltype(&mw_gpu_abi) abi = nullptr;
  decltype(&mw_gpu_platform) platform = nullptr;
  const bool is_ours = bind(library, "mw_gpu_abi", abi) && abi() == MW_GPU_ABI &&
                       bind(library, "mw_gpu_platform", platform);
  Plugin found;
  if (!is_ours || !bind(library, "mw_gpu_error_text", found.error_text) ||
      !bind(library, "mw_gpu_rms_norm", found.rms_norm) ||
      !bind(library, "mw_gpu_rms_norm_rope", found.rms_norm_rope) ||
      !bind(library, "mw_gpu_modulated_norm", found.modulated_norm) ||
      !bind(library, "mw_gpu_gated_add", found.gated_add)) {
    plugin.status = "'" + path.string() + "' is of another version of this program";
    return plugin;
  }
  found.status = platform();
  return found;
}

const Plugin& plugin() {
  static const Plugin loaded = load_plugin();
  return loaded;
}

bool is_known(at::ScalarType dtype) { return dtype == at::kFloat || dtype == at::kBFloat16; }

int code_of(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? kMwGpuBFloat16 : kMwGpuFloat32;
}

/// Whether a kernel may read or write the rows of `t`.
bool is_rows(const at::Tensor& t) {
  return t.is_cuda() && t.is_contiguous() && is_known(t.scalar_type()) &&
         !(at::GradMode::is_enabled() && t.requires_grad());
}

bool is_float_weight(const at::Tensor& t) { return is_rows(t) && t.scalar_type() == at::kFloat; }

/// [B, F or 1, C] float32 whose rows alone are contiguous.
bool is_frame_rows(const at::Tensor& t) {
  return t.is_cuda() && t.dim() == 3 && t.scalar_type() == at::kFloat && t.stride(2) == 1 &&
         !(at::GradMode::is_enabled() && t.requires_grad());
}

int64_t batch_stride(const at::Tensor& t) { return t.size(0) > 1 ? t.stride(0) : 0; }
int64_t frame_stride(const at::Tensor& t) { return t.size(1) > 1 ? t.stride(1) : 0; }

/// The stream that libtorch queues work for this tensor's device on.
void* stream_of(const at::Tensor& t) {
  const c10::impl::VirtualGuardImpl guard(t.device().type());
  return guard.getStream(t.device()).native_handle();
}

void check(int code, const char* name) {
  if (code == 0) return;
  throw Error(ErrorCode::kDevice, concat_message("libmw_gpu: ", name, ": ",
                                                 plugin().error_text(code), " (", code, ")"));
}

}  // namespace

at::Tensor gpu_rms_norm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (!is_rows(x) || !is_float_weight(weight) || plugin().rms_norm == nullptr) return {};
  const c10::DeviceGuard device(x.device());
  at::Tensor out = at::empty_like(x);
  const int64_t width = x.size(-1);
  check(plugin().rms_norm(x.const_data_ptr(), weight.const_data_ptr<float>(),
                          out.mutable_data_ptr(), x.numel() / width, width, static_cast<float>(eps),
                          code_of(x.scalar_type()), stream_of(x)),
        "rms_norm");
  return out;
}

at::Tensor gpu_rms_norm_rope(const at::Tensor& x, const at::Tensor& weight, double eps,
                             const at::Tensor& turns) {
  if (!is_rows(x) || !is_float_weight(weight) || !is_float_weight(turns) ||
      plugin().rms_norm_rope == nullptr) {
    return {};
  }
  const c10::DeviceGuard device(x.device());
  at::Tensor out = at::empty_like(x);
  const int64_t width = x.size(-1);
  check(plugin().rms_norm_rope(x.const_data_ptr(), weight.const_data_ptr<float>(),
                               turns.const_data_ptr<float>(), out.mutable_data_ptr(),
                               x.numel() / width, width, turns.size(0), turns.size(1),
                               static_cast<float>(eps), code_of(x.scalar_type()), stream_of(x)),
        "rms_norm_rope");
  return out;
}

at::Tensor gpu_modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                              int64_t frame_tokens, double eps, at::ScalarType dtype) {
  const bool has_equal_strides = shift.dim() == 3 && scale.dim() == 3 &&
                                 batch_stride(shift) == batch_stride(scale) &&
                                 frame_stride(shift) == frame_stride(scale);
  if (!is_rows(x) || !is_frame_rows(shift) || !is_frame_rows(scale) || !has_equal_strides ||
      !is_known(dtype) || plugin().modulated_norm == nullptr) {
    return {};
  }
  const c10::DeviceGuard device(x.device());
  at::Tensor out = at::empty(x.sizes(), x.options().dtype(dtype));
  check(plugin().modulated_norm(x.const_data_ptr(), shift.const_data_ptr<float>(),
                                scale.const_data_ptr<float>(), out.mutable_data_ptr(), x.size(0),
                                x.size(1) / frame_tokens, frame_tokens, x.size(2),
                                batch_stride(shift), frame_stride(shift), static_cast<float>(eps),
                                code_of(x.scalar_type()), code_of(dtype), stream_of(x)),
        "modulated_norm");
  return out;
}

at::Tensor gpu_gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate,
                         int64_t frame_tokens) {
  if (!is_rows(x) || !is_rows(y) || x.sizes() != y.sizes() || !is_frame_rows(gate) ||
      plugin().gated_add == nullptr) {
    return {};
  }
  const c10::DeviceGuard device(x.device());
  at::Tensor out = at::empty_like(x);
  check(plugin().gated_add(x.const_data_ptr(), y.const_data_ptr(), gate.const_data_ptr<float>(),
                           out.mutable_data_ptr(), x.size(0), x.size(1) / frame_tokens,
                           frame_tokens, x.size(2), batch_stride(gate), frame_stride(gate),
                           code_of(x.scalar_type()), code_of(y.scalar_type()), stream_of(x)),
        "gated_add");
  return out;
}

std::string gpu_plugin_status() { return plugin().status; }

}  // namespace mw::ops
