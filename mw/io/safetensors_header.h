// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mw/io/dtype.h"

namespace mw::io {

/// What the head of a safetensors file says, checked against the size of the file.
struct SafetensorsHeader {
  struct Tensor {
    DType dtype = DType::kF32;
    std::vector<int64_t> shape;
    uint64_t begin = 0;  ///< First byte, counted from `data_start`.
    uint64_t end = 0;    ///< One past the last byte.
  };
  uint64_t data_start = 0;  ///< Where tensor bytes begin in the file.
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Longest header that is read, as in the reference implementation.
inline constexpr uint64_t kMaxSafetensorsHeader = 100'000'000;

/// Parses the first bytes of a safetensors file.
///
/// file_start: at least the length field and the header; more is ignored. file_size: size of the
/// whole file in bytes. name: what messages call the file.
/// Throws Error kFormat when anything is not as the format wants it: lengths, JSON, types, names
/// given twice, sizes that overflow, byte ranges that overlap, leave a hole or pass the end.
/// Source: the format's description in github.com/huggingface/safetensors.
SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file_start,
                                           uint64_t file_size, const std::string& name);

/// Bytes of a tensor, or throws Error kFormat when that exceeds what 63 bits count.
uint64_t tensor_bytes(DType dtype, std::span<const int64_t> shape);

}  // namespace mw::io
