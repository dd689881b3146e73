// SPDX-License-Identifier: Apache-2.0
#include "mw/io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include "mw/core/error.h"

namespace mw::io {
namespace {

Error read_error(const std::filesystem::path& path, const std::string& reason) {
  return Error(ErrorCode::kIo, "cannot read '" + path.string() + "': " + reason);
}

std::string system_message(int error) { return std::generic_category().message(error); }

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw read_error(path, system_message(errno));
  struct stat status {};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
    ::close(fd);
    throw read_error(path, S_ISDIR(status.st_mode) ? "it is a folder" : "it is not a regular file");
  }
  const auto size = static_cast<size_t>(status.st_size);
  // An empty file can't be mapped, and needs no mapping.
  // Writable pages are private copies, made at the first write and never seen by the file.
  void* start =
      size == 0 ? nullptr
                : ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd, 0);
  const int error = errno;
  ::close(fd);  // The mapping keeps the file.
  if (start == MAP_FAILED) throw read_error(path, system_message(error));
  bytes_ = {static_cast<const std::byte*>(start), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

}  // namespace mw::io
