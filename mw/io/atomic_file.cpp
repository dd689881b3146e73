// SPDX-License-Identifier: Apache-2.0
#include "mw/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "mw/core/error.h"

namespace mw::io {
namespace {

Error write_error(const std::filesystem::path& path, const std::string& reason) {
  return Error(ErrorCode::kIo, "cannot write '" + path.string() + "': " + reason);
}

std::string system_message(int error) { return std::generic_category().message(error); }

std::filesystem::path folder_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

/// A name beside `path` that no other writer of this or another process uses.
std::filesystem::path temporary_beside(const std::filesystem::path& path) {
  static std::atomic<unsigned> counter{0};
  constexpr size_t kMaxStem = 200;  // File names end at 255 bytes.
  return folder_of(path) / ("." + path.filename().string().substr(0, kMaxStem) + "." +
                            std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
}

}  // namespace

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (!path_.has_filename() || std::filesystem::is_directory(status)) {
    throw write_error(path_, "it names a folder, not a file");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw write_error(path_, "it is a device or pipe, not a regular file");
  }
  if (!std::filesystem::is_directory(folder_of(path_), ignored)) {
    throw write_error(path_, "there is no folder '" + folder_of(path_).string() + "'");
  }
  do {
    temporary_ = temporary_beside(path_);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (fd_ < 0 && errno == EEXIST);
  if (fd_ < 0) throw write_error(path_, system_message(errno));
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  MW_CHECK(fd_ >= 0, "AtomicFile: '", path_.string(), "' is already committed");
  constexpr size_t kMaxWrite = size_t{1} << 30;  // Linux takes at most 2 GiB at a time.
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd_, bytes.data(), std::min(bytes.size(), kMaxWrite));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw write_error(path_, system_message(errno));
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text))); }

void AtomicFile::commit() {
  MW_CHECK(fd_ >= 0, "AtomicFile: '", path_.string(), "' is already committed");
  if (::fsync(fd_) != 0) throw write_error(path_, system_message(errno));
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    throw write_error(path_, system_message(errno));
  }
  ::close(std::exchange(fd_, -1));
  // The new name must survive a power cut too; a file system that can't promise it is no error.
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace mw::io
