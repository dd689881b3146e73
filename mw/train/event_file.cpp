// SPDX-License-Identifier: Apache-2.0
#include "mw/train/event_file.h"

#include <array>
#include <bit>
#include <chrono>

#include "mw/core/error.h"

namespace mw::train {
namespace {

constexpr std::array<uint32_t, 256> kCrcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) {
      value = (value >> 1) ^ ((value & 1) != 0 ? 0x82F63B78u : 0u);  // Castagnoli, reflected.
    }
    table[i] = value;
  }
  return table;
}();

template <class Number>
std::string little_endian(Number value) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes += static_cast<char>((value >> (8 * i)) & 0xFF);
  }
  return bytes;
}

/// TFRecord's own twist: a checksum of data that holds checksums would be weak.
uint32_t masked_crc(const std::string& bytes) {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  bytes += static_cast<char>(value);
  return bytes;
}

// Protocol-buffer fields: the key is (number << 3 | wire type).
std::string number_field(int number, uint64_t value) {
  return varint(static_cast<uint64_t>(number) << 3) + varint(value);
}
std::string bytes_field(int number, const std::string& value) {
  return varint(static_cast<uint64_t>(number) << 3 | 2) + varint(value.size()) + value;
}
std::string double_field(int number, double value) {
  return varint(static_cast<uint64_t>(number) << 3 | 1) +
         little_endian(std::bit_cast<uint64_t>(value));
}
std::string float_field(int number, float value) {
  return varint(static_cast<uint64_t>(number) << 3 | 5) +
         little_endian(std::bit_cast<uint32_t>(value));
}

double wall_time() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

uint32_t crc32c(const std::string& bytes) {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(byte)) & 0xFF];
  }
  return ~crc;
}

EventFile::EventFile(const std::filesystem::path& folder, int64_t step)
    : path_(folder / ("events.out.tfevents." + std::to_string(static_cast<int64_t>(wall_time())) +
                      ".microworld")),
      out_(path_, std::ios::binary | std::ios::app) {
  if (!out_) throw Error(ErrorCode::kIo, "train: can't write '" + path_.string() + "'");
  // Event: wall_time = 1, step = 2, file_version = 3, summary = 5, session_log = 7.
  add_record(double_field(1, wall_time()) + bytes_field(3, "brain.Event:2"));
  const std::string session_start = number_field(1, 1);
  add_record(double_field(1, wall_time()) + number_field(2, static_cast<uint64_t>(step)) +
             bytes_field(7, session_start));
}

void EventFile::add_scalar(const std::string& tag, double value, int64_t step) {
  // Summary.value = 1; Value: tag = 1, simple_value = 2.
  const std::string summary =
      bytes_field(1, bytes_field(1, tag) + float_field(2, static_cast<float>(value)));
  add_record(double_field(1, wall_time()) + number_field(2, static_cast<uint64_t>(step)) +
             bytes_field(5, summary));
}

void EventFile::add_record(const std::string& event) {
  const std::string length = little_endian(static_cast<uint64_t>(event.size()));
  out_ << length << little_endian(masked_crc(length)) << event << little_endian(masked_crc(event));
}

}  // namespace mw::train
