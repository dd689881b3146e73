// SPDX-License-Identifier: Apache-2.0
// One block for each row; its threads take the row's values in turn, so that neighbours read
// neighbouring memory. Everything is bound by memory: what a fused kernel saves is passes over rows.
#include "gpu/mw_gpu.h"

#include "gpu/runtime.h"

namespace mw_gpu {
namespace {

template <int kDtype>
struct Element;

template <>
struct Element<kMwGpuFloat32> {
  using Stored = float;
  static MW_GPU_MEMBER float load(const void* row, int64_t i) { return static_cast<const float*>(row)[i]; }
  static MW_GPU_MEMBER void store(void* row, int64_t i, float value) {
    static_cast<float*>(row)[i] = value;
  }
};

// bfloat16 by hand: the upper half of a float32, rounded to nearest even. Old toolkits of either make
// have no common type for it.
template <>
struct Element<kMwGpuBFloat16> {
  using Stored = uint16_t;
  static MW_GPU_MEMBER float load(const void* row, int64_t i) {
    return float_of(static_cast<uint32_t>(static_cast<const uint16_t*>(row)[i]) << 16);
  }
  static MW_GPU_MEMBER void store(void* row, int64_t i, float value) {
    const uint32_t bits = bits_of(value);
    const bool is_nan = (bits & 0x7fffffffu) > 0x7f800000u;
    const uint32_t rounded = is_nan ? bits | 0x00400000u : bits + 0x7fffu + ((bits >> 16) & 1u);
    static_cast<uint16_t*>(row)[i] = static_cast<uint16_t>(rounded >> 16);
  }
};

template <int kDtype>
MW_GPU_DEVICE const void* row_at(const void* data, int64_t row, int64_t width) {
  return static_cast<const typename Element<kDtype>::Stored*>(data) + row * width;
}

template <int kDtype>
MW_GPU_DEVICE void* row_at(void* data, int64_t row, int64_t width) {
  return static_cast<typename Element<kDtype>::Stored*>(data) + row * width;
}

/// Where the modulation of a row's frame begins.
struct FrameRows {
  int64_t frames, frame_tokens, batch_stride, frame_stride;
};

MW_GPU_DEVICE int64_t frame_offset(const FrameRows& rows, int64_t row) {
  const int64_t frame = row / rows.frame_tokens;
  return frame / rows.frames * rows.batch_stride + frame % rows.frames * rows.frame_stride;
}

template <int kDtype>
MW_GPU_KERNEL rms_norm_rope_kernel(const void* x, const float* weight, const float* turns, void* y,
                                   int64_t width, int64_t tokens, int64_t head_dim, float eps) {
  const int64_t row = block_index();
  const void* from = row_at<kDtype>(x, row, width);
  void* to = row_at<kDtype>(y, row, width);
  float squares = 0;
  for (int64_t i = thread_index(); i < width; i += kThreads) {
    const float value = Element<kDtype>::load(from, i);
    squares += value * value;
  }
  const float factor = inverse_root(block_sum(squares) / static_cast<float>(width) + eps);
  if (turns == nullptr) {
    for (int64_t i = thread_index(); i < width; i += kThreads) {
      Element<kDtype>::store(to, i, Element<kDtype>::load(from, i) * factor * weight[i]);
    }
    return;
  }
  const float* angles = turns + row % tokens * head_dim;
  for (int64_t pair = thread_index(); pair < width / 2; pair += kThreads) {
    const int64_t i = 2 * pair;
    const float cosine = angles[i % head_dim], sine = angles[i % head_dim + 1];
    const float a = Element<kDtype>::load(from, i) * factor * weight[i];
    const float b = Element<kDtype>::load(from, i + 1) * factor * weight[i + 1];
    Element<kDtype>::store(to, i, a * cosine - b * sine);
    Element<kDtype>::store(to, i + 1, a * sine + b * cosine);
  }
}

template <int kIn, int kOut>
MW_GPU_KERNEL modulated_norm_kernel(const void* x, const float* shift, const float* scale, void* y,
                                    int64_t width, FrameRows frames, float eps) {
  const int64_t row = block_index();
  const void* from = row_at<kIn>(x, row, width);
  void* to = row_at<kOut>(y, row, width);
  float sum = 0;
  for (int64_t i = thread_index(); i < width; i += kThreads) sum += Element<kIn>::load(from, i);
  const float mean = block_sum(sum) / static_cast<float>(width);
  float squares = 0;  // In a second pass: the difference of two large sums would lose digits.
  for (int64_t i = thread_index(); i < width; i += kThreads) {
    const float centred = Element<kIn>::load(from, i) - mean;
    squares += centred * centred;
  }
  const float factor = inverse_root(block_sum(squares) / static_cast<float>(width) + eps);
  const int64_t offset = frame_offset(frames, row);
  for (int64_t i = thread_index(); i < width; i += kThreads) {
    const float normalised = (Element<kIn>::load(from, i) - mean) * factor;
    Element<kOut>::store(to, i, normalised * (1.0f + scale[offset + i]) + shift[offset + i]);
  }
}

template <int kX, int kY>
MW_GPU_KERNEL gated_add_kernel(const void* x, const void* y, const float* gate, void* out,
                               int64_t width, FrameRows frames) {
  const int64_t row = block_index();
  const void* left = row_at<kX>(x, row, width);
  const void* right = row_at<kY>(y, row, width);
  void* to = row_at<kX>(out, row, width);
  const float* gates = gate + frame_offset(frames, row);
  for (int64_t i = thread_index(); i < width; i += kThreads) {
    Element<kX>::store(to, i, Element<kX>::load(left, i) + Element<kY>::load(right, i) * gates[i]);
  }
}

/// Calls `work` with the dtypes as compile-time numbers.
template <int kDtype>
struct Known {
  static constexpr int value = kDtype;
};

template <class Work>
int with_dtype(int dtype, const Work& work) {
  return dtype == kMwGpuBFloat16 ? work(Known<kMwGpuBFloat16>()) : work(Known<kMwGpuFloat32>());
}

}  // namespace
}  // namespace mw_gpu

extern "C" {

int mw_gpu_abi(void) { return MW_GPU_ABI; }

const char* mw_gpu_platform(void) { return MW_GPU_PLATFORM; }

const char* mw_gpu_error_text(int code) { return mw_gpu::error_text(code); }

int mw_gpu_rms_norm(const void* x, const float* weight, void* y, int64_t rows, int64_t width,
                    float eps, int dtype, void* stream) {
  return mw_gpu_rms_norm_rope(x, weight, nullptr, y, rows, width, 1, 1, eps, dtype, stream);
}

int mw_gpu_rms_norm_rope(const void* x, const float* weight, const float* turns, void* y,
                         int64_t rows, int64_t width, int64_t tokens, int64_t head_dim, float eps,
                         int dtype, void* stream) {
  return mw_gpu::with_dtype(dtype, [&](auto known) {
    return mw_gpu::launch(mw_gpu::rms_norm_rope_kernel<decltype(known)::value>, rows, stream, x,
                          weight, turns, y, width, tokens, head_dim, eps);
  });
}

int mw_gpu_modulated_norm(const void* x, const float* shift, const float* scale, void* y,
                          int64_t batch, int64_t frames, int64_t frame_tokens, int64_t width,
                          int64_t batch_stride, int64_t frame_stride, float eps, int in_dtype,
                          int out_dtype, void* stream) {
  const mw_gpu::FrameRows rows{frames, frame_tokens, batch_stride, frame_stride};
  return mw_gpu::with_dtype(in_dtype, [&](auto in) {
    return mw_gpu::with_dtype(out_dtype, [&](auto out) {
      return mw_gpu::launch(
          mw_gpu::modulated_norm_kernel<decltype(in)::value, decltype(out)::value>,
          batch * frames * frame_tokens, stream, x, shift, scale, y, width, rows, eps);
    });
  });
}

int mw_gpu_gated_add(const void* x, const void* y, const float* gate, void* out, int64_t batch,
                     int64_t frames, int64_t frame_tokens, int64_t width, int64_t batch_stride,
                     int64_t frame_stride, int x_dtype, int y_dtype, void* stream) {
  const mw_gpu::FrameRows rows{frames, frame_tokens, batch_stride, frame_stride};
  return mw_gpu::with_dtype(x_dtype, [&](auto left) {
    return mw_gpu::with_dtype(y_dtype, [&](auto right) {
      return mw_gpu::launch(
          mw_gpu::gated_add_kernel<decltype(left)::value, decltype(right)::value>,
          batch * frames * frame_tokens, stream, x, y, gate, out, width, rows);
    });
  });
}

}  // extern "C"
