// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace mw::io {

/// Quantised element types: a block of neighbours along the last axis shares its scales.
///
/// Source: the block layouts of github.com/ggml-org/ggml.
enum class BlockType {
  kQ8_0,  ///< 32 elements in 34 bytes: a float16 scale, 32 signed bytes.
  kQ4_0,  ///< 32 in 18: a float16 scale, 4-bit numbers from -8; the low halves come first.
  kQ4_K,  ///< 256 in 144: 8 groups of 32 with 6-bit scales and minimums, 4-bit numbers.
  kQ5_K,  ///< 256 in 176: the same with a fifth bit for each number.
  kQ6_K,  ///< 256 in 210: 16 groups with signed 8-bit scales, 6-bit numbers from -32.
};

size_t elements_of(BlockType type);   ///< In one block.
size_t bytes_of(BlockType type);      ///< Of one block.
const char* name_of(BlockType type);  ///< "Q8_0", "Q4_K", ...

/// float32 values of whole blocks. blocks: n * bytes_of(type); out: n * elements_of(type).
void dequantize(BlockType type, std::span<const std::byte> blocks, std::span<float> out);

/// A half-precision number as float32, exactly.
float half_to_float(uint16_t bits);

}  // namespace mw::io
