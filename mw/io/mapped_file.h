// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace mw::io {

/// A whole file as bytes, mapped rather than read. Const and shareable between threads. The file
/// must not be shortened while it is mapped.
///
/// Pages are copy-on-write: tensors that share this memory may be changed in place by whoever casts
/// the const away, without touching the file.
class MappedFile {
 public:
  /// Throws Error kIo, naming the file, when it is missing, not a regular file or unreadable.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  /// The content; lives as long as this object, also when the object is moved.
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace mw::io
