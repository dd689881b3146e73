// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/part_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include "mw/core/error.h"

namespace mw::hub {
namespace {

namespace fs = std::filesystem;

Error file_error(const char* verb, const fs::path& path) {
  const int error = errno;
  std::string message = concat_message("cannot ", verb, " '", path.string(),
                                       "': ", std::generic_category().message(error));
  if (error == ENOSPC || error == EDQUOT) {
    message += "; make room and run the same command again, it goes on from here";
  }
  return Error(ErrorCode::kIo, message);
}

/// Reads `fd` from its start and returns the number of bytes.
int64_t absorb(int fd, Digest& digest, const fs::path& path) {
  std::vector<std::byte> buffer(size_t{1} << 20);
  for (int64_t total = 0;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), total);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw file_error("read", path);
    if (got == 0) return total;
    digest.update(std::span(buffer).first(static_cast<size_t>(got)));
    total += got;
  }
}

fs::path hidden_name(const fs::path& path, const RemoteFile& file) {
  return path.parent_path() /
         ("." + path.filename().string() + "." + file.digest.substr(0, 16) + ".part");
}

}  // namespace

PartFile::PartFile(const fs::path& folder, const RemoteFile& file)
    : final_path_(folder / file.path),
      path_(hidden_name(final_path_, file)),
      file_(file),
      digest_(file.start_digest()) {
  std::error_code error;
  fs::create_directories(final_path_.parent_path(), error);
  if (error) {
    throw Error(ErrorCode::kIo, "cannot create folder '" + final_path_.parent_path().string() +
                                    "': " + error.message());
  }
  // A link in its place could lead anywhere; it is not followed.
  fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0) throw file_error("write", path_);
  try {
    size_ = absorb(fd_, digest_, path_);
    if (size_ > file_.size) restart();
  } catch (...) {
    ::close(fd_);
    throw;
  }
}

PartFile::~PartFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  if (size_ == 0) ::unlink(path_.c_str());
}

void PartFile::restart() {
  if (::ftruncate(fd_, 0) != 0) throw file_error("write", path_);
  digest_ = file_.start_digest();
  size_ = 0;
}

void PartFile::begin(int64_t first_byte) {
  if (first_byte == 0 && size_ > 0) restart();
  if (first_byte != size_) {
    throw Error(ErrorCode::kFormat,
                concat_message("pull: ", quote_text(file_.path), ": the server starts at byte ",
                               first_byte, ", wanted ", size_));
  }
}

void PartFile::write(std::span<const std::byte> bytes) {
  if (static_cast<int64_t>(bytes.size()) > file_.size - size_) {
    throw Error(ErrorCode::kFormat, concat_message("pull: ", quote_text(file_.path),
                                                   ": the server sends more than the ", file_.size,
                                                   " bytes that it lists"));
  }
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), size_);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw file_error("write", path_);
    const auto count = static_cast<size_t>(written);
    digest_.update(bytes.first(count));
    size_ += written;
    bytes = bytes.subspan(count);
  }
}

bool PartFile::is_right() {
  if (size_ != file_.size) return false;
  found_digest_ = Digest(digest_).hex();
  return found_digest_ == file_.digest;
}

void PartFile::commit() {
  if (::fsync(fd_) != 0) throw file_error("write", path_);
  if (::rename(path_.c_str(), final_path_.c_str()) != 0) throw file_error("write", final_path_);
  ::close(std::exchange(fd_, -1));
}

std::string digest_of(const fs::path& path, const RemoteFile& file) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw file_error("read", path);
  Digest digest = file.start_digest();
  try {
    absorb(fd, digest, path);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  return digest.hex();
}

}  // namespace mw::hub
