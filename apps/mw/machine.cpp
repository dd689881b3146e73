// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/machine.h"

#include <ATen/Parallel.h>

#include <cstdlib>

namespace mw::app {

void use_world_threads() {
  if (std::getenv("OMP_NUM_THREADS") == nullptr) at::set_num_threads(1);
}

std::string resolved_dtype(const std::string& dtype) {
  if (dtype != "auto") return dtype;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) return "bf16";
#endif
  return "fp32";
}

}  // namespace mw::app
