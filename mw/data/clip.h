// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mw/data/dataset_info.h"
#include "mw/data/frame_row.h"

namespace mw::data {

/// Pixels of a clip: [F, H, W, 3] RGB bytes.
struct Frames {
  int64_t num_frames = 0;
  int height = 0;
  int width = 0;
  std::vector<uint8_t> rgb;
};

/// Inverse depth of a clip: [F, H/4, W/4] bytes, round(255 * sqrt(min(1, 1/z))) with z the planar
/// depth in nodes; the sky is 0.
struct Depth {
  int64_t num_frames = 0;
  int64_t height = 0;
  int64_t width = 0;
  std::vector<uint8_t> inverse;

  bool operator==(const Depth&) const = default;
};

/// One recorded clip of a data set. Rows are read at once, pixels and depth from disk at each call.
/// Const and shareable between threads.
class Clip {
 public:
  /// Reads `actions/ID.jsonl`. Throws Error kIo or kFormat, naming the file and the row.
  Clip(const DatasetPaths& paths, const DatasetInfo& info, std::string id, std::string caption);

  const std::string& id() const { return id_; }
  const std::string& caption() const { return caption_; }
  const std::vector<FrameRow>& rows() const { return rows_; }
  int64_t num_frames() const { return static_cast<int64_t>(rows_.size()); }

  /// The actions as given, and without what had no effect (see `cleaned_actions_of`).
  action::ActionTrack actions() const { return actions_of(rows_); }
  action::ActionTrack cleaned_actions() const { return cleaned_actions_of(rows_); }

  /// Decodes the video. Throws Error, naming the file, when it is damaged, of another size than the
  /// data set's or of another length than the rows.
  Frames load_frames() const;

  /// The depth, or nothing for a clip recorded without. Throws Error, naming the file, when it is
  /// damaged or of another length.
  std::optional<Depth> load_depth() const;

 private:
  DatasetPaths paths_;
  DatasetInfo info_;
  std::string id_;
  std::string caption_;
  std::vector<FrameRow> rows_;
};

/// Writes and reads the depth file of a clip: tensor `inverse_depth` uint8 [F, h, w].
void write_depth(const std::filesystem::path& path, const Depth& depth);
Depth read_depth(const std::filesystem::path& path);

}  // namespace mw::data
