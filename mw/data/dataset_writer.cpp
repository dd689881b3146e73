// SPDX-License-Identifier: Apache-2.0
#include "mw/data/dataset_writer.h"

#include <system_error>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/video/video_writer.h"

namespace mw::data {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, "cannot make folder '" + folder.string() + "': " + error.message());
  }
}

}  // namespace

DatasetWriter::DatasetWriter(const fs::path& folder, const DatasetInfo& info, int crf)
    : paths_{folder}, info_(info), crf_(crf) {
  for (const fs::path& part :
       {paths_.clips_folder(), paths_.actions_folder(), paths_.depth_folder()}) {
    make_folder(part);
  }
  if (!fs::exists(paths_.info())) {
    write_info(paths_.info(), info_);
    return;
  }
  const DatasetInfo there = read_info(paths_.info());
  MW_CHECK(there.width == info.width && there.height == info.height && there.fps == info.fps,
           "data set '", folder.string(), "' has ", video::size_text(there.width, there.height),
           " at ", there.fps, " fps, wanted ", video::size_text(info.width, info.height), " at ",
           info.fps, " fps; choose another folder");
}

bool DatasetWriter::has_clip(const std::string& id) const {
  check_clip_id(id);
  return fs::exists(paths_.actions(id));
}

void DatasetWriter::check(const NewClip& clip) const {
  check_clip_id(clip.id);
  const size_t num_frames = clip.frames.size();
  MW_CHECK(num_frames > 0 && clip.rows.size() == num_frames, "clip '", clip.id, "': ", num_frames,
           " frames and ", clip.rows.size(), " rows, wanted as many of both and at least 1");
  if (clip.depth) {
    const Depth& depth = *clip.depth;
    MW_CHECK(depth.num_frames == static_cast<int64_t>(num_frames), "clip '", clip.id,
             "': ", num_frames, " frames and ", depth.num_frames, " of depth");
  }
  for (size_t i = 0; i < num_frames; ++i) {
    MW_CHECK(clip.frames[i].width == info_.width && clip.frames[i].height == info_.height, "clip '",
             clip.id, "': frame ", i, " is ",
             video::size_text(clip.frames[i].width, clip.frames[i].height), ", the data set's are ",
             video::size_text(info_.width, info_.height));
  }
  try {
    actions_of(clip.rows);
  } catch (const Error& error) {
    throw Error(ErrorCode::kInvalidArgument, "clip '" + clip.id + "': " + error.what());
  }
}

void DatasetWriter::write_clip(const NewClip& clip) const {
  check(clip);
  video::VideoWriter video(
      paths_.video(clip.id),
      {.width = info_.width, .height = info_.height, .fps = info_.fps, .crf = crf_});
  for (const video::Image& frame : clip.frames) video.write(frame);
  video.finish();
  if (clip.depth) write_depth(paths_.depth(clip.id), *clip.depth);
  if (!clip.caption.empty()) append_caption(paths_.captions(), clip.id, clip.caption);
  std::string rows;
  for (size_t i = 0; i < clip.rows.size(); ++i) {
    rows += to_json_line(clip.rows[i], static_cast<int64_t>(i)) + "\n";
  }
  io::write_file(paths_.actions(clip.id), rows);  // Last: from here on the clip counts.
}

void DatasetWriter::write_splits(const Splits& splits) const {
  data::write_splits(paths_.splits(), splits);
}

}  // namespace mw::data
