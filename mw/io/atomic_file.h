// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>

namespace mw::io {

/// A file that appears under its name whole or not at all.
///
/// Bytes go to a hidden name in the same folder; `commit()` flushes them to the disk and renames.
/// An object destroyed before that removes what it wrote and leaves an older file of that name as
/// it was. Owned by one thread.
class AtomicFile {
 public:
  /// Throws Error kIo when the folder is missing or not writable, or when `path` names something
  /// that is not a regular file.
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends bytes. Throws Error kIo when the system refuses them, for example for want of space.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  /// Where the bytes lie until `commit()`, for writers that open files by name themselves.
  const std::filesystem::path& temporary_path() const { return temporary_; }

  /// Makes the content durable and gives it its name. Throws Error kIo; the object is then of no
  /// further use.
  void commit();

 private:
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_ = -1;
};

/// Writes a whole small file atomically. Throws Error kIo.
void write_file(const std::filesystem::path& path, std::string_view text);

}  // namespace mw::io
