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
#include "mw/video/video_writer.h"

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

  /// Adds one clip to a split. Several processes may do so at once. Throws Error kIo or kFormat.
  void add_to_split(const std::string& split, const std::string& id) const;

 private:
  friend class ClipWriter;
  void check(const NewClip& clip) const;

  DatasetPaths paths_;
  DatasetInfo info_;
  int crf_;
};

/// One clip that is added frame by frame: only its rows are in memory. It counts when `finish` has
/// run; without that, nothing is left of it. Owned by one thread.
class ClipWriter {
 public:
  /// Throws Error kInvalidArgument for an id that is no clip's, kIo when the disk refuses.
  ClipWriter(const DatasetWriter& writer, std::string id);

  const std::string& id() const { return id_; }
  int64_t num_frames() const { return num_frames_; }

  /// Throws Error kInvalidArgument for a frame of another size, kFormat for a row that is no action
  /// or a row 0 that is not still, kIo when the disk refuses.
  void add(const video::Image& frame, const FrameRow& row);

  /// Throws Error kInvalidArgument when there is no frame, kIo when the disk refuses.
  void finish(const std::string& caption, const std::optional<Depth>& depth = std::nullopt);

 private:
  DatasetPaths paths_;
  std::string id_;
  video::VideoWriter video_;
  std::string rows_;
  int64_t num_frames_ = 0;
};

}  // namespace mw::data
