// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mw/data/clip.h"
#include "mw/data/dataset_info.h"
#include "mw/data/frame_row.h"
#include "mw/video/image.h"

namespace mw::data {

/// A recording that is to be added to a data set.
struct NewClip {
  std::string id;  ///< See `check_clip_id`.
  std::vector<video::Image> frames;
  std::vector<FrameRow> rows;  ///< One per frame; row 0 still.
  std::string caption;         ///< Empty for none.
  std::optional<Depth> depth;
};

/// Adds clips to a data set folder. Several processes may write to one folder, each its own clips;
/// a process that is killed leaves whole clips and at most one that does not count yet. Shareable
/// between threads.
class DatasetWriter {
 public:
  /// Makes the folder with its `dataset.json`, or opens one for the same size and frame rate.
  /// crf: quality of the videos, see video::VideoConfig.
  /// Throws Error kIo when that can't be written, kInvalidArgument when a data set of another size
  /// or frame rate is there.
  DatasetWriter(const std::filesystem::path& folder, const DatasetInfo& info, int crf = 14);

  /// Whether a clip is already there, to go on after a stop.
  bool has_clip(const std::string& id) const;

  /// Adds a clip, replacing one of its id. Throws Error kInvalidArgument when its parts disagree
  /// with each other or the data set, kIo when the disk refuses.
  void write_clip(const NewClip& clip) const;

  /// Replaces `splits.json`.
  void write_splits(const Splits& splits) const;

 private:
  void check(const NewClip& clip) const;

  DatasetPaths paths_;
  DatasetInfo info_;
  int crf_;
};

}  // namespace mw::data
