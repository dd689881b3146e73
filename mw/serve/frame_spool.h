// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

namespace mw::serve {

/// The newest frames that a session showed, as JPEG, in a nameless temporary file that never grows
/// past its bound: the oldest make room. Thread safe.
class FrameSpool {
 public:
  explicit FrameSpool(size_t max_bytes) : max_bytes_(max_bytes) {}
  ~FrameSpool();
  FrameSpool(const FrameSpool&) = delete;
  FrameSpool& operator=(const FrameSpool&) = delete;

  /// Adds a frame; numbers grow. One that the disk refuses is left out, with all before it.
  void append(uint32_t number, std::span<const std::byte> jpeg);

  struct Frame {
    uint32_t number = 0;
    std::vector<std::byte> jpeg;
  };
  /// The first kept frame of `number` or more; nothing where there is none.
  std::optional<Frame> next(uint32_t number) const;

  /// How many kept frames have a number from `first` to `last`.
  size_t count(uint32_t first, uint32_t last) const;

 private:
  struct Entry {
    uint32_t number;
    size_t offset, size;
  };
  void make_room(size_t size);

  const size_t max_bytes_;
  mutable std::mutex mutex_;
  std::deque<Entry> entries_;  // Oldest first; a ring in the file.
  size_t head_ = 0;            // Where the next one goes.
  int fd_ = -1;
};

}  // namespace mw::serve
