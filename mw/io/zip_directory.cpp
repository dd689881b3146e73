// SPDX-License-Identifier: Apache-2.0
#include "mw/io/zip_directory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "mw/core/error.h"
#include "mw/io/byte_cursor.h"

namespace mw::io {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kEnd64Locator = 0x07064b50;
constexpr uint64_t kEndBytes = 22, kLocatorBytes = 20;
constexpr uint64_t kMaxComment = 65535;
constexpr uint32_t kSee64 = 0xffffffff;  // The real value is in a 64-bit field elsewhere.
constexpr uint16_t kSizes64Tag = 1;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

/// Where the central directory lies.
struct Directory {
  uint64_t begin = 0, size = 0, num_entries = 0;
};

void require(ByteCursor& cursor, uint32_t signature, const char* what) {
  const uint64_t at = cursor.position();
  if (cursor.number<uint32_t>() != signature) {
    refuse(concat_message("no ", what, " at byte ", at));
  }
}

/// The end record is the last thing in the file but for a comment.
uint64_t find_end(std::span<const std::byte> archive) {
  if (archive.size() < kEndBytes) refuse("too few bytes for a zip archive: it is truncated");
  const uint64_t last = archive.size() - kEndBytes;
  for (uint64_t back = 0; back <= std::min(last, kMaxComment); ++back) {
    ByteCursor cursor(archive, last - back);
    if (cursor.number<uint32_t>() == kEnd) return last - back;
  }
  refuse("no end record of a zip archive: it is truncated");
}

Directory find_directory(std::span<const std::byte> archive) {
  const uint64_t end = find_end(archive);
  ByteCursor cursor(archive, end + 10);
  Directory found;
  found.num_entries = cursor.number<uint16_t>();
  found.size = cursor.number<uint32_t>();
  found.begin = cursor.number<uint32_t>();
  if (end >= kLocatorBytes) {
    ByteCursor locator(archive, end - kLocatorBytes);
    if (locator.number<uint32_t>() == kEnd64Locator) {
      locator.take(4);
      const auto at = locator.number<uint64_t>();
      if (at > end) refuse("the 64-bit end record lies after the end record");
      ByteCursor record(archive, at);
      require(record, kEnd64, "64-bit end record");
      record.take(28);
      found.num_entries = record.number<uint64_t>();
      found.size = record.number<uint64_t>();
      found.begin = record.number<uint64_t>();
    }
  }
  if (found.begin > end || found.size > end - found.begin) {
    refuse(concat_message("a directory of ", found.size, " bytes at byte ", found.begin,
                          " of a file of ", archive.size()));
  }
  return found;
}

struct Entry {
  std::string name;
  uint64_t stored_size = 0, size = 0, header = 0;  // The header's place in the file.
};

/// Takes from the extra fields what did not fit into 32 bits, in the order that the format gives.
void read_extra(std::span<const std::byte> extra, Entry& entry) {
  ByteCursor cursor(extra);
  while (cursor.num_left() >= 4) {
    const auto tag = cursor.number<uint16_t>();
    const auto size = cursor.number<uint16_t>();
    ByteCursor field(cursor.take(size));
    if (tag != kSizes64Tag) continue;
    for (uint64_t* value : {&entry.size, &entry.stored_size, &entry.header}) {
      if (*value == kSee64) *value = field.number<uint64_t>();
    }
  }
}

Entry read_entry(ByteCursor& cursor) {
  Entry entry;
  require(cursor, kCentralHeader, "directory entry");
  cursor.take(4);
  const auto flags = cursor.number<uint16_t>();
  const auto method = cursor.number<uint16_t>();
  cursor.take(8);
  entry.stored_size = cursor.number<uint32_t>();
  entry.size = cursor.number<uint32_t>();
  const auto name_size = cursor.number<uint16_t>();
  const auto extra_size = cursor.number<uint16_t>();
  const auto comment_size = cursor.number<uint16_t>();
  cursor.take(8);
  entry.header = cursor.number<uint32_t>();
  entry.name = cursor.take_text(name_size);
  read_extra(cursor.take(extra_size), entry);
  cursor.take(comment_size);
  if (method != 0) refuse(quote_text(entry.name) + " is compressed; wanted stored entries");
  if ((flags & 1) != 0) refuse(quote_text(entry.name) + " is encrypted");
  if (entry.size != entry.stored_size) {
    refuse(concat_message(quote_text(entry.name), " claims ", entry.size, " bytes and stores ",
                          entry.stored_size));
  }
  return entry;
}

ZipDirectory parse_checked(std::span<const std::byte> archive) {
  const Directory directory = find_directory(archive);
  ByteCursor cursor(archive.subspan(directory.begin, directory.size));
  ZipDirectory files;
  std::vector<std::pair<uint64_t, uint64_t>> ranges;  // Of local headers with their content.
  for (uint64_t i = 0; i < directory.num_entries; ++i) {
    const Entry entry = read_entry(cursor);
    if (entry.header >= directory.begin) {
      refuse(quote_text(entry.name) + " lies after the directory");
    }
    ByteCursor local(archive.first(directory.begin), entry.header);
    require(local, kLocalHeader, "file header");
    local.take(22);
    const auto name_size = local.number<uint16_t>();
    const auto extra_size = local.number<uint16_t>();
    if (local.take_text(name_size) != entry.name) {
      refuse(quote_text(entry.name) + " has another name in its own header");
    }
    local.take(extra_size);
    if (!files.emplace(entry.name, local.take(entry.size)).second) {
      refuse(quote_text(entry.name) + " is given twice");
    }
    ranges.emplace_back(entry.header, local.position());
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) {
      refuse(concat_message("two entries share the bytes from ", ranges[i].first, " on"));
    }
  }
  return files;
}

}  // namespace

ZipDirectory parse_zip_directory(std::span<const std::byte> archive, const std::string& name) {
  try {
    return parse_checked(archive);
  } catch (const Error& error) {
    throw Error(error.code(), "not a whole zip archive '" + name + "': " + error.what());
  }
}

}  // namespace mw::io
