// SPDX-License-Identifier: Apache-2.0
#include "mw/io/block_type.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "mw/core/error.h"

namespace mw::io {
namespace {

struct Row {
  size_t elements, bytes;
  const char* name;
};

constexpr std::array<Row, 5> kRows = {{{32, 34, "Q8_0"},
                                       {32, 18, "Q4_0"},
                                       {256, 144, "Q4_K"},
                                       {256, 176, "Q5_K"},
                                       {256, 210, "Q6_K"}}};

const Row& row_of(BlockType type) { return kRows[static_cast<size_t>(type)]; }

float half_at(const uint8_t* bytes) {
  return half_to_float(static_cast<uint16_t>(bytes[0] | bytes[1] << 8));
}

void q8_0(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 32; ++i)
    out[i] = scale * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

void q4_0(const uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((block[2 + i] & 15) - 8);
    out[i + 16] = scale * static_cast<float>((block[2 + i] >> 4) - 8);
  }
}

struct ScaleAndMinimum {
  float scale, minimum;
};

/// Of group `i` of 8. Twelve bytes hold sixteen 6-bit numbers: the first four groups' in the low
/// bits of bytes 0 to 7, the others' in bytes 8 to 11 with their high bits where those left room.
ScaleAndMinimum group_of(const uint8_t* block, int i) {
  const float d = half_at(block), d_minimum = half_at(block + 2);
  const uint8_t* s = block + 4;
  const int scale = i < 4 ? s[i] & 63 : (s[i + 4] & 15) | ((s[i - 4] >> 6) << 4);
  const int minimum = i < 4 ? s[i + 4] & 63 : (s[i + 4] >> 4) | ((s[i] >> 6) << 4);
  return {d * static_cast<float>(scale), d_minimum * static_cast<float>(minimum)};
}

void q4_k(const uint8_t* block, float* out) {
  const uint8_t* numbers = block + 16;
  for (int i = 0; i < 8; ++i) {
    const ScaleAndMinimum group = group_of(block, i);
    for (int k = 0; k < 32; ++k) {
      const uint8_t pair = numbers[32 * (i / 2) + k];
      const int number = i % 2 == 0 ? pair & 15 : pair >> 4;
      out[32 * i + k] = group.scale * static_cast<float>(number) - group.minimum;
    }
  }
}

void q5_k(const uint8_t* block, float* out) {
  const uint8_t* fifth_bits = block + 16;
  const uint8_t* numbers = block + 48;
  for (int i = 0; i < 8; ++i) {
    const ScaleAndMinimum group = group_of(block, i);
    for (int k = 0; k < 32; ++k) {
      const uint8_t pair = numbers[32 * (i / 2) + k];
      const int low = i % 2 == 0 ? pair & 15 : pair >> 4;
      const int number = low | (((fifth_bits[k] >> i) & 1) << 4);
      out[32 * i + k] = group.scale * static_cast<float>(number) - group.minimum;
    }
  }
}

void q6_k(const uint8_t* block, float* out) {
  const uint8_t* low_bits = block;
  const uint8_t* high_bits = block + 128;
  const uint8_t* scales = block + 192;
  const float d = half_at(block + 208);
  for (int half = 0; half < 2; ++half) {  // 128 elements each.
    for (int quarter = 0; quarter < 4; ++quarter) {
      for (int k = 0; k < 32; ++k) {
        const uint8_t pair = low_bits[64 * half + 32 * (quarter % 2) + k];
        const int low = quarter < 2 ? pair & 15 : pair >> 4;
        const int high = (high_bits[32 * half + k] >> (2 * quarter)) & 3;
        const auto scale = static_cast<int8_t>(scales[8 * half + 2 * quarter + k / 16]);
        out[128 * half + 32 * quarter + k] =
            d * static_cast<float>(scale) * static_cast<float>((low | high << 4) - 32);
      }
    }
  }
}

}  // namespace

size_t elements_of(BlockType type) { return row_of(type).elements; }
size_t bytes_of(BlockType type) { return row_of(type).bytes; }
const char* name_of(BlockType type) { return row_of(type).name; }

float half_to_float(uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  float value = 0;
  if (exponent == 31) {
    value = fraction == 0 ? std::numeric_limits<float>::infinity()
                          : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    value = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    value = std::ldexp(static_cast<float>(fraction + 1024), exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

void dequantize(BlockType type, std::span<const std::byte> blocks, std::span<float> out) {
  MW_CHECK(blocks.size() % bytes_of(type) == 0 &&
               out.size() == blocks.size() / bytes_of(type) * elements_of(type),
           "dequantize: ", blocks.size(), " bytes of ", name_of(type), " for ", out.size(),
           " elements");
  using Decode = void (*)(const uint8_t*, float*);
  constexpr std::array<Decode, 5> kDecode = {&q8_0, &q4_0, &q4_k, &q5_k, &q6_k};
  const Decode decode = kDecode[static_cast<size_t>(type)];
  const auto* bytes = reinterpret_cast<const uint8_t*>(blocks.data());
  for (size_t i = 0; i * bytes_of(type) < blocks.size(); ++i) {
    decode(bytes + i * bytes_of(type), out.data() + i * elements_of(type));
  }
}

}  // namespace mw::io
