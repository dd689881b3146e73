// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace mw::train {

/// Appends scalars to a TensorBoard event file: TFRecord frames (length and payload, each with a
/// masked CRC-32C) around `tensorflow.Event` protocol buffers. Owned by one thread.
class EventFile {
 public:
  /// Creates `events.out.tfevents.<seconds>.microworld` in `folder` and tells readers that figures
  /// of earlier files beyond `step` no longer count. Throws Error kIo.
  EventFile(const std::filesystem::path& folder, int64_t step);

  void add_scalar(const std::string& tag, double value, int64_t step);
  void flush() { out_.flush(); }
  const std::filesystem::path& path() const { return path_; }

 private:
  void add_record(const std::string& event);

  std::filesystem::path path_;
  std::ofstream out_;
};

/// CRC-32C (Castagnoli) of `bytes`. Source: RFC 3720, appendix B.4.
uint32_t crc32c(const std::string& bytes);

}  // namespace mw::train
