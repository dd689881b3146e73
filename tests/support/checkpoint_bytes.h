// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mw::test {

/// The bytes of a number, lowest first.
template <class Number>
std::string little_endian(Number number) {
  std::string bytes;
  for (size_t i = 0; i < sizeof(Number); ++i) {
    bytes += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i));
  }
  return bytes;
}

/// One entry of a zip archive; the fields after the content are for lies.
struct ZipEntry {
  std::string name;
  std::string content;
  uint16_t method = 0;
  uint16_t flags = 0;
  int64_t claimed_size = -1;    ///< Uncompressed; that of the content when negative.
  int64_t claimed_header = -1;  ///< Where its local header is said to be.
  std::string local_name = {};  ///< The name in its own header; the same when empty.
};

/// A zip archive; with `is_zip64` all sizes and places are in the 64-bit fields.
inline std::string zip_of(const std::vector<ZipEntry>& entries, bool is_zip64 = false) {
  const auto small = [](uint64_t number) { return little_endian(static_cast<uint32_t>(number)); };
  std::string archive, directory;
  for (const ZipEntry& entry : entries) {
    const uint64_t header =
        entry.claimed_header >= 0 ? static_cast<uint64_t>(entry.claimed_header) : archive.size();
    const uint64_t stored = entry.content.size();
    const uint64_t size =
        entry.claimed_size >= 0 ? static_cast<uint64_t>(entry.claimed_size) : stored;
    const std::string& own = entry.local_name.empty() ? entry.name : entry.local_name;
    archive += small(0x04034b50) + little_endian<uint16_t>(20) + little_endian(entry.flags) +
               little_endian(entry.method) + small(0) + small(0) + small(stored) + small(size) +
               little_endian(static_cast<uint16_t>(own.size())) + little_endian<uint16_t>(0) + own +
               entry.content;
    const std::string extra = is_zip64 ? little_endian<uint16_t>(1) + little_endian<uint16_t>(24) +
                                             little_endian(size) + little_endian(stored) +
                                             little_endian(header)
                                       : "";
    const uint64_t far = 0xffffffff;
    directory += small(0x02014b50) + little_endian<uint16_t>(20) + little_endian<uint16_t>(20) +
                 little_endian(entry.flags) + little_endian(entry.method) + small(0) + small(0) +
                 small(is_zip64 ? far : stored) + small(is_zip64 ? far : size) +
                 little_endian(static_cast<uint16_t>(entry.name.size())) +
                 little_endian(static_cast<uint16_t>(extra.size())) + std::string(6, '\0') +
                 small(0) + small(is_zip64 ? far : header) + entry.name + extra;
  }
  const uint64_t begin = archive.size();
  archive += directory;
  const auto count = static_cast<uint16_t>(entries.size());
  if (is_zip64) {
    const uint64_t end64 = archive.size();
    archive += small(0x06064b50) + little_endian<uint64_t>(44) + std::string(4, '\0') + small(0) +
               small(0) + little_endian<uint64_t>(count) + little_endian<uint64_t>(count) +
               little_endian<uint64_t>(directory.size()) + little_endian(begin);
    archive += small(0x07064b50) + small(0) + little_endian(end64) + small(1);
  }
  return archive + small(0x06054b50) + std::string(4, '\0') +
         little_endian(is_zip64 ? uint16_t{0xffff} : count) +
         little_endian(is_zip64 ? uint16_t{0xffff} : count) +
         small(is_zip64 ? 0xffffffff : directory.size()) + small(is_zip64 ? 0xffffffff : begin) +
         little_endian<uint16_t>(0);
}

/// Pieces of pickles.
inline std::string pickled(const std::string& text) {
  return "X" + little_endian(static_cast<uint32_t>(text.size())) + text;
}
inline std::string pickled(int32_t number) { return "J" + little_endian(number); }
inline std::string pickled(const std::vector<int32_t>& numbers) {
  std::string tuple = "(";
  for (const int32_t number : numbers) tuple += pickled(number);
  return tuple + "t";
}

/// What a float32 tensor in storage `key` is pickled as.
inline std::string pickled_tensor(const std::string& key, int32_t storage_size, int32_t offset,
                                  const std::vector<int32_t>& shape,
                                  const std::vector<int32_t>& strides,
                                  const std::string& storage = "FloatStorage") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((" + pickled(std::string("storage")) + "ctorch\n" +
         storage + "\n" + pickled(key) + pickled(std::string("cpu")) + pickled(storage_size) +
         "tQ" + pickled(offset) + pickled(shape) + pickled(strides) +
         "\x89"
         "ccollections\nOrderedDict\n)RtR";
}

/// A dictionary with one item.
inline std::string pickled_dict(const std::string& key, const std::string& value) {
  return "\x80\x02}" + pickled(key) + value + "s.";
}

/// What torch.save would write for this pickle and these storages.
inline std::string checkpoint_of(const std::string& pickle,
                                 const std::vector<std::pair<std::string, std::string>>& storages) {
  std::vector<ZipEntry> entries = {{"model/data.pkl", pickle}};
  for (const auto& [key, bytes] : storages) entries.push_back({"model/data/" + key, bytes});
  return zip_of(entries);
}

/// A GGUF file: head, keys, tensor descriptions and data, each as bytes.
struct GgufBytes {
  uint32_t version = 3;
  uint64_t num_tensors = 1;
  uint64_t num_keys = 0;
  std::string keys = {};
  std::string tensors = {};
  std::string data = {};

  std::string file() const {
    std::string head = "GGUF" + little_endian(version) + little_endian(num_tensors) +
                       little_endian(num_keys) + keys + tensors;
    head.resize((head.size() + 31) / 32 * 32, '\0');
    return head + data;
  }
};

inline std::string gguf_text(const std::string& text) {
  return little_endian<uint64_t>(text.size()) + text;
}

/// The description of a tensor; `extents` the fastest axis first, as in the file.
inline std::string gguf_tensor(const std::string& name, const std::vector<uint64_t>& extents,
                               uint32_t type, uint64_t offset) {
  std::string bytes = gguf_text(name) + little_endian(static_cast<uint32_t>(extents.size()));
  for (const uint64_t extent : extents) bytes += little_endian(extent);
  return bytes + little_endian(type) + little_endian(offset);
}

}  // namespace mw::test
