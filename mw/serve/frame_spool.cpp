// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/frame_spool.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>

namespace mw::serve {
namespace {

/// A file that is gone when it is closed, whatever happens; -1 where none can be had.
int open_nameless_file() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
  if (error) return -1;
  std::string name = (folder / "mw-frames-XXXXXX").string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd >= 0) ::unlink(name.c_str());
  return fd;
}

}  // namespace

FrameSpool::~FrameSpool() {
  if (fd_ >= 0) ::close(fd_);
}

/// Moves the head to where `size` bytes may be written.
void FrameSpool::make_room(size_t size) {
  const auto drop_oldest_while = [this](const auto& is_in_the_way) {
    while (!entries_.empty() && is_in_the_way(entries_.front())) entries_.pop_front();
  };
  if (head_ + size > max_bytes_) {
    // The oldest may lie between the head and the file's end, before those at its beginning.
    drop_oldest_while([this](const Entry& entry) { return entry.offset >= head_; });
    head_ = 0;
  }
  drop_oldest_while([this, size](const Entry& entry) {
    return entry.offset < head_ + size && entry.offset + entry.size > head_;
  });
}

void FrameSpool::append(uint32_t number, std::span<const std::byte> jpeg) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (jpeg.empty() || jpeg.size() > max_bytes_) return;
  if (fd_ < 0) fd_ = open_nameless_file();
  make_room(jpeg.size());
  const ssize_t written =
      fd_ < 0 ? -1 : ::pwrite(fd_, jpeg.data(), jpeg.size(), static_cast<off_t>(head_));
  if (written != static_cast<ssize_t>(jpeg.size())) {
    entries_.clear();  // A video with a hole in it is worse than a shorter one.
    head_ = 0;
    return;
  }
  entries_.push_back({number, head_, jpeg.size()});
  head_ += jpeg.size();
}

std::optional<FrameSpool::Frame> FrameSpool::next(uint32_t number) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto entry =
      std::lower_bound(entries_.begin(), entries_.end(), number,
                       [](const Entry& one, uint32_t wanted) { return one.number < wanted; });
  if (entry == entries_.end()) return std::nullopt;
  Frame frame{.number = entry->number, .jpeg = std::vector<std::byte>(entry->size)};
  const ssize_t got =
      ::pread(fd_, frame.jpeg.data(), entry->size, static_cast<off_t>(entry->offset));
  if (got != static_cast<ssize_t>(entry->size)) return std::nullopt;
  return frame;
}

size_t FrameSpool::count(uint32_t first, uint32_t last) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return static_cast<size_t>(std::count_if(
      entries_.begin(), entries_.end(),
      [=](const Entry& entry) { return entry.number >= first && entry.number <= last; }));
}

}  // namespace mw::serve
