// SPDX-License-Identifier: Apache-2.0
#include "mw/data/line_log.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <system_error>

#include "mw/core/error.h"
#include "mw/io/mapped_file.h"

namespace mw::data {
namespace {

/// A file descriptor that holds the file's lock.
class LockedFile {
 public:
  explicit LockedFile(const std::filesystem::path& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    check(fd_ >= 0);
    while (::flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) {
        const Error error = last_error();
        ::close(fd_);
        throw error;
      }
    }
  }
  ~LockedFile() { ::close(fd_); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  /// Where the last whole line ends.
  off_t end_of_lines() const {
    struct stat status {};
    check(::fstat(fd_, &status) == 0);
    char c = 0;
    for (off_t end = status.st_size; end > 0; --end) {
      check(::pread(fd_, &c, 1, end - 1) == 1);
      if (c == '\n') return end;
    }
    return 0;
  }

  void replace_from(off_t offset, std::string_view text) {
    check(::ftruncate(fd_, offset) == 0);
    while (!text.empty()) {
      const ssize_t written = ::pwrite(fd_, text.data(), text.size(), offset);
      if (written < 0 && errno == EINTR) continue;
      check(written > 0);
      offset += written;
      text.remove_prefix(static_cast<size_t>(written));
    }
  }

 private:
  Error last_error() const {
    return Error(ErrorCode::kIo, "cannot write '" + path_.string() +
                                     "': " + std::generic_category().message(errno));
  }
  void check(bool is_done) const {
    if (!is_done) throw last_error();
  }

  std::filesystem::path path_;
  int fd_ = -1;
};

}  // namespace

void append_line(const std::filesystem::path& path, std::string_view line) {
  MW_CHECK(line.find('\n') == std::string_view::npos, "append_line: the line has a newline");
  LockedFile file(path);
  file.replace_from(file.end_of_lines(), std::string(line) + '\n');
}

std::vector<std::string> read_lines(const std::filesystem::path& path) {
  std::vector<std::string> lines;
  if (!std::filesystem::exists(path)) return lines;
  const io::MappedFile file(path);
  std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace mw::data
