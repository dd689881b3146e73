// SPDX-License-Identifier: Apache-2.0
// The GPU kernels, run by this processor with one thread for each block: see gpu/runtime.h.
#define MW_GPU_ON_CPU
#include "gpu/mw_gpu.cu"
