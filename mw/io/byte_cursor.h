// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "mw/core/error.h"

namespace mw::io {

/// Walks over bytes from outside: little-endian values and runs of bytes, never past the end.
class ByteCursor {
 public:
  explicit ByteCursor(std::span<const std::byte> bytes, uint64_t position = 0)
      : bytes_(bytes), position_(position) {}

  uint64_t position() const { return position_; }
  uint64_t num_left() const { return position_ < bytes_.size() ? bytes_.size() - position_ : 0; }

  /// The next `count` bytes. Throws Error kFormat when fewer are left.
  std::span<const std::byte> take(uint64_t count) {
    if (count > num_left()) {
      throw Error(ErrorCode::kFormat,
                  concat_message("wanted ", count, " bytes at byte ", position_, ", ", num_left(),
                                 " are left: it is truncated"));
    }
    const auto taken = bytes_.subspan(position_, count);
    position_ += count;
    return taken;
  }

  std::string_view take_text(uint64_t count) {
    const auto taken = take(count);
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }

  /// A little-endian number; this program runs on little-endian machines only.
  template <class Number>
  Number number() {
    static_assert(std::endian::native == std::endian::little);
    Number value;
    std::memcpy(&value, take(sizeof(Number)).data(), sizeof(Number));
    return value;
  }

 private:
  std::span<const std::byte> bytes_;
  uint64_t position_ = 0;
};

}  // namespace mw::io
