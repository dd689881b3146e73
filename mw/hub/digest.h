// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mw::hub {

/// The SHA-1 or SHA-256 of bytes that arrive in pieces. Source: FIPS 180-4.
///
/// SHA-1 is here because git names small files by it; it guards against accidents, not attackers.
class Digest {
 public:
  enum class Kind { kSha1, kSha256 };
  explicit Digest(Kind kind);

  void update(std::span<const std::byte> bytes);

  /// The digest of everything so far, lower-case hexadecimal. Ends this object: call it once.
  std::string hex();

 private:
  void absorb(const std::byte* block);

  Kind kind_;
  std::array<uint32_t, 8> state_;
  std::array<std::byte, 64> pending_{};
  size_t num_pending_ = 0;
  uint64_t num_bytes_ = 0;
};

}  // namespace mw::hub
