// SPDX-License-Identifier: Apache-2.0
#include "mw/train/event_file.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace mw::train {
namespace {

template <class Number>
Number number_at(const std::string& bytes, size_t offset) {
  Number value{};
  std::memcpy(&value, bytes.data() + offset, sizeof(value));
  return value;
}

uint32_t unmasked(uint32_t masked) { return std::rotl(masked - 0xA282EAD8u, 15); }

/// Payloads of a TFRecord file; every checksum is checked.
std::vector<std::string> records_in(const std::string& bytes) {
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    const auto length = number_at<uint64_t>(bytes, at);
    EXPECT_EQ(unmasked(number_at<uint32_t>(bytes, at + 8)), crc32c(bytes.substr(at, 8)));
    records.push_back(bytes.substr(at + 12, length));
    EXPECT_EQ(unmasked(number_at<uint32_t>(bytes, at + 12 + length)), crc32c(records.back()));
    at += 16 + length;
  }
  return records;
}

TEST(EventFileTest, ChecksumIsCastagnolis) {
  EXPECT_EQ(crc32c("123456789"), 0xE3069283u);            // The polynomial's published check value.
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8A9136AAu);  // RFC 3720, B.4.
}

TEST(EventFileTest, ScalarsReadBack) {
  const test::ScratchFolder folder;
  std::string bytes;
  {
    EventFile file(folder.path(), 40);
    file.add_scalar("train/loss", 0.5, 300);
    file.flush();
    bytes = test::read_bytes(file.path());
  }
  const std::vector<std::string> records = records_in(bytes);
  ASSERT_EQ(records.size(), 3u);
  EXPECT_NE(records[0].find("brain.Event:2"), std::string::npos);
  // double 1 (wall time), step varint 40, then field 7 {status: 1}: a session that starts there.
  EXPECT_EQ(records[1].substr(9), std::string("\x10\x28\x3A\x02\x08\x01"));
  // Step 300 is the varint AC 02; then field 5 { field 1 { 1: tag, 2: float } }.
  std::string scalar("\x10\xAC\x02\x2A\x13\x0A\x11\x0A\x0Atrain/loss\x15", 20);
  const float value = 0.5F;
  scalar.append(reinterpret_cast<const char*>(&value), sizeof(value));
  EXPECT_EQ(records[2].substr(9), scalar);
}

}  // namespace
}  // namespace mw::train
