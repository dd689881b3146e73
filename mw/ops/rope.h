// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>

namespace mw::ops {

/// Rotary position embedding over adjacent pairs: `(x[2k], x[2k+1])` turns by the table's angle k.
/// Source: arXiv:2104.09864.
class RopeTable {
 public:
  /// angles: [L, D/2], in radians, float64.
  explicit RopeTable(const at::Tensor& angles);

  /// Angles of L = frames x rows x columns tokens, frame-major, for heads of size `head_dim`: the
  /// pairs are split between time, height and width as D - 4*(D/6), 2*(D/6), 2*(D/6) elements,
  /// each with frequencies `theta^(-2j/m)` of its own m elements.
  /// Source: `rope_params` and `rope_apply` in github.com/Wan-Video/Wan2.1.
  static RopeTable for_video(int64_t head_dim, std::span<const int64_t> frame_positions,
                             int64_t rows, int64_t columns, double theta = 10000);

  int64_t num_tokens() const { return rotations_.size(1); }

  /// Tokens `first .. first + count - 1` of this table.
  RopeTable slice(int64_t first, int64_t count) const;

  /// The table on another device.
  RopeTable to(at::Device device) const;

  /// Cosine and sine of each pair, interleaved: [L, D] float32.
  at::Tensor turns() const;

  /// x: [B, L, N, D] floating, on the table's device; turned in float32 and returned in its dtype.
  /// Differs from the reference: float32 rotations from float64 angles, not float64 rotations.
  at::Tensor rotate(const at::Tensor& x) const;

 private:
  RopeTable() = default;
  at::Tensor rotations_;  // [1, L, 1, D/2] complex64 of unit length.
};

}  // namespace mw::ops
