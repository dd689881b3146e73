// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

// The plug-in libmw_gpu.so: kernels for NVIDIA and AMD GPUs behind a C interface, so that it is
// built by nvcc or hipcc alone and fits any libtorch. All pointers are device memory, rows are
// contiguous, calls only queue work on `stream` (a cudaStream_t or hipStream_t; null is the default
// one). Each returns 0, or the runtime's error code.
//
// Each function computes what the function of the same name in mw/ops does; float32 inside.

#ifdef __cplusplus
extern "C" {
#endif

#define MW_GPU_ABI 1

// Element types of activations.
enum { kMwGpuFloat32 = 0, kMwGpuBFloat16 = 1 };

// MW_GPU_ABI of the plug-in, to be compared before anything else is called.
int mw_gpu_abi(void);

// "CUDA" or "HIP": what it was built for.
const char* mw_gpu_platform(void);

// `text` of an error code that a function below returned.
const char* mw_gpu_error_text(int code);

// y = x * rsqrt(mean(x^2) + eps) * weight, by row. x, y: [rows, width]; weight: float32 [width].
int mw_gpu_rms_norm(const void* x, const float* weight, void* y, int64_t rows, int64_t width,
                    float eps, int dtype, void* stream);

// The same, then each head of `head_dim` values turned by its token's angles: a norm over the whole
// row and the rotary embedding in one pass. turns: float32 [tokens, head_dim], cosine and sine of each
// pair interleaved; row i is token i % tokens.
int mw_gpu_rms_norm_rope(const void* x, const float* weight, const float* turns, void* y,
                         int64_t rows, int64_t width, int64_t tokens, int64_t head_dim, float eps,
                         int dtype, void* stream);

// y = layer_norm(x) * (1 + scale) + shift. x, y: [batch, frames * frame_tokens, width]; shift and
// scale: float32 rows of `width` at `batch * batch_stride + frame * frame_stride` values.
int mw_gpu_modulated_norm(const void* x, const float* shift, const float* scale, void* y,
                          int64_t batch, int64_t frames, int64_t frame_tokens, int64_t width,
                          int64_t batch_stride, int64_t frame_stride, float eps, int in_dtype,
                          int out_dtype, void* stream);

// out = x + y * gate, gate like shift above. x, out of one dtype; y of another, perhaps.
int mw_gpu_gated_add(const void* x, const void* y, const float* gate, void* out, int64_t batch,
                     int64_t frames, int64_t frame_tokens, int64_t width, int64_t batch_stride,
                     int64_t frame_stride, int x_dtype, int y_dtype, void* stream);

#ifdef __cplusplus
}  // extern "C"
#endif
