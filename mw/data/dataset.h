// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "mw/data/clip.h"
#include "mw/data/dataset_info.h"

namespace mw::data {

/// A folder of recorded clips, as it was when it was opened. Const and shareable between threads.
///
/// A clip is there when its `actions/ID.jsonl` is: that file is written last.
class Dataset {
 public:
  /// Throws Error kIo when the folder or its `dataset.json` is missing, kFormat, naming the file,
  /// when one of its JSON files is not sound.
  explicit Dataset(const std::filesystem::path& folder);

  const DatasetInfo& info() const { return info_; }
  const DatasetPaths& paths() const { return paths_; }

  /// Every clip, sorted.
  const std::vector<std::string>& ids() const { return ids_; }

  /// The splits of `splits.json`; empty without that file.
  const Splits& splits() const { return splits_; }

  /// Clips of a split. Throws Error kInvalidArgument, listing the known ones, for an unknown name.
  const std::vector<std::string>& split(const std::string& name) const;
  /// Whether a split of this name has clips.
  bool has_split(const std::string& name) const;

  /// A clip's caption; empty without one.
  std::string caption(const std::string& id) const;

  /// Reads a clip's rows. Throws Error kIo or kFormat, naming file and row.
  Clip clip(const std::string& id) const;

  /// Number of frames of a clip by the lines of its rows, unchecked: quick for whole data sets.
  int64_t count_frames(const std::string& id) const;

  /// What is wrong, a line each naming the file: unreadable rows, videos and depths, lengths and
  /// sizes that disagree, splits that name absent clips or one clip twice. Empty for a sound data
  /// set. Decodes every video.
  std::vector<std::string> validate() const;

 private:
  DatasetPaths paths_;
  DatasetInfo info_;
  Splits splits_;
  std::map<std::string, std::string> captions_;
  std::vector<std::string> ids_;
};

}  // namespace mw::data
