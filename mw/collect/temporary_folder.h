// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace mw::collect {

/// A folder of one running game, under the system's temporary one; it goes with the object.
///
/// A process that is killed leaves its folder behind, so a new one first removes those that nobody
/// owns: owners hold a lock (flock) on theirs, which ends with them in every case. Folders of other
/// users stay.
class TemporaryFolder {
 public:
  /// Throws Error kIo when there can't be one.
  explicit TemporaryFolder(const std::filesystem::path& parent);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

}  // namespace mw::collect
