// SPDX-License-Identifier: Apache-2.0
#pragma once

// One name for what CUDA and HIP call alike. A third "device" is this processor: a block is then one
// thread and a launch a loop, so that formulas and indices are tested on machines without a GPU.

#include <stdint.h>

#if defined(MW_GPU_ON_CPU)

#include <cmath>
#include <cstring>

#define MW_GPU_KERNEL inline void
#define MW_GPU_DEVICE inline
#define MW_GPU_MEMBER inline
#define MW_GPU_PLATFORM "CPU"

namespace mw_gpu {

constexpr int kThreads = 1;
inline int64_t current_block = 0;

inline int thread_index() { return 0; }
inline int64_t block_index() { return current_block; }
inline float block_sum(float value) { return value; }
inline float inverse_root(float value) { return 1.0f / std::sqrt(value); }
inline uint32_t bits_of(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}
inline float float_of(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
inline const char* error_text(int) { return "none"; }

/// Runs `kernel(arguments...)` once for each block.
template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), int64_t blocks, void*, Arguments... arguments) {
  for (current_block = 0; current_block < blocks; ++current_block) kernel(arguments...);
  return 0;
}

}  // namespace mw_gpu

#else

#if defined(__HIP_PLATFORM_AMD__) || defined(__HIPCC__)
#include <hip/hip_runtime.h>
#define MW_GPU_PLATFORM "HIP"
#define MW_GPU_RUNTIME(name) hip##name
#else
#include <cuda_runtime.h>
#define MW_GPU_PLATFORM "CUDA"
#define MW_GPU_RUNTIME(name) cuda##name
#endif

#define MW_GPU_KERNEL __global__ void __launch_bounds__(mw_gpu::kThreads)
#define MW_GPU_DEVICE static __device__ __forceinline__
#define MW_GPU_MEMBER __device__ __forceinline__

namespace mw_gpu {

// Rows have 1,536 to 5,120 values: 6 to 20 for each thread. A multiple of the 64 lanes of an AMD
// wavefront and the 32 of an NVIDIA warp.
constexpr int kThreads = 256;

MW_GPU_DEVICE int thread_index() { return static_cast<int>(threadIdx.x); }
MW_GPU_DEVICE int64_t block_index() { return static_cast<int64_t>(blockIdx.x); }
MW_GPU_DEVICE float inverse_root(float value) { return rsqrtf(value); }
MW_GPU_DEVICE uint32_t bits_of(float value) { return __float_as_uint(value); }
MW_GPU_DEVICE float float_of(uint32_t bits) { return __uint_as_float(bits); }

/// The sum over a block, for all its threads. By halves in shared memory rather than by shuffles,
/// whose width differs between the two makes.
MW_GPU_DEVICE float block_sum(float value) {
  __shared__ float parts[kThreads];
  __syncthreads();  // The call before may still be reading.
  parts[threadIdx.x] = value;
  __syncthreads();
  for (int half = kThreads / 2; half > 0; half /= 2) {
    if (static_cast<int>(threadIdx.x) < half) parts[threadIdx.x] += parts[threadIdx.x + half];
    __syncthreads();
  }
  return parts[0];
}

inline const char* error_text(int code) {
  return MW_GPU_RUNTIME(GetErrorString)(static_cast<MW_GPU_RUNTIME(Error_t)>(code));
}

template <class... Parameters, class... Arguments>
int launch(void (*kernel)(Parameters...), int64_t blocks, void* stream, Arguments... arguments) {
  if (blocks == 0) return 0;
  kernel<<<dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0,
           static_cast<MW_GPU_RUNTIME(Stream_t)>(stream)>>>(arguments...);
  return static_cast<int>(MW_GPU_RUNTIME(GetLastError)());
}

}  // namespace mw_gpu

#endif
