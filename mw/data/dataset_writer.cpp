// SPDX-License-Identifier: Apache-2.0
#include "mw/data/dataset_writer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

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

std::string checked_id(std::string id) {
  check_clip_id(id);
  return id;
}

/// Holds the lock of a folder, against other processes and threads.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : fd_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {
    int error = fd_ < 0 ? errno : 0;
    while (error == 0 && ::flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) error = errno;
    }
    if (error == 0) return;
    if (fd_ >= 0) ::close(fd_);
    throw Error(ErrorCode::kIo, "cannot lock folder '" + folder.string() +
                                    "': " + std::generic_category().message(error));
  }
  ~FolderLock() { ::close(fd_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

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
  ClipWriter writer(*this, clip.id);
  for (size_t i = 0; i < clip.rows.size(); ++i) writer.add(clip.frames[i], clip.rows[i]);
  writer.finish(clip.caption, clip.depth);
}

void DatasetWriter::write_splits(const Splits& splits) const {
  data::write_splits(paths_.splits(), splits);
}

void DatasetWriter::add_to_split(const std::string& split, const std::string& id) const {
  check_clip_id(id);
  const FolderLock lock(paths_.folder);
  Splits splits;
  if (fs::exists(paths_.splits())) splits = read_splits(paths_.splits());
  splits[split].push_back(id);
  data::write_splits(paths_.splits(), splits);
}

ClipWriter::ClipWriter(const DatasetWriter& writer, std::string id)
    : paths_(writer.paths_),
      id_(checked_id(std::move(id))),
      video_(paths_.video(id_), {.width = writer.info_.width,
                                 .height = writer.info_.height,
                                 .fps = writer.info_.fps,
                                 .crf = writer.crf_}) {}

void ClipWriter::add(const video::Image& frame, const FrameRow& row) {
  action::check_action(row.action);
  if (num_frames_ == 0 && row.action != action::Action()) {
    throw Error(ErrorCode::kFormat, "clip '" + id_ + "': row 0 must be still");
  }
  video_.write(frame);
  rows_ += to_json_line(row, num_frames_++) + "\n";
}

void ClipWriter::finish(const std::string& caption, const std::optional<Depth>& depth) {
  video_.finish();
  if (depth) write_depth(paths_.depth(id_), *depth);
  if (!caption.empty()) append_caption(paths_.captions(), id_, caption);
  io::write_file(paths_.actions(id_), rows_);  // Last: from here on the clip counts.
}

}  // namespace mw::data
