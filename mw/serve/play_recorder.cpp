// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/play_recorder.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <ctime>
#include <utility>

#include "mw/core/error.h"
#include "mw/core/log.h"
#include "mw/serve/players.h"
#include "mw/video/image_file.h"

namespace mw::serve {
namespace {

constexpr size_t kMaxWaiting = 8;
constexpr int kJpegQuality = 97;  // These frames are encoded once more, into the video.
constexpr const char* kSplit = "train";

/// "play-20260131-235959-0123abcd": sorted by time, and no other session's.
std::string new_clip_id() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "play-%Y%m%d-%H%M%S-", &utc);
  return text + random_token().substr(0, 8);
}

/// A session goes back by its snapshots, one a second, at most to the oldest.
size_t num_undoable_frames(double fps) {
  return engine::Session::kMaxSeconds *
         static_cast<size_t>(std::max<int64_t>(1, std::llround(fps)));
}

}  // namespace

PlayRecorder::PlayRecorder(const std::filesystem::path& folder, const data::DatasetInfo& info,
                           int64_t clip_frames)
    : writer_(folder, info),
      fps_(info.fps),
      clip_frames_(clip_frames),
      thread_([this] { run(); }) {}

PlayRecorder::~PlayRecorder() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void PlayRecorder::do_later(std::function<void()> work) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (waiting_.size() < kMaxWaiting) {
      waiting_.push_back(std::move(work));
      changed_.notify_one();
      return;
    }
  }
  work();
}

void PlayRecorder::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    work = {};
    lock.lock();
  }
}

/// The frames of one life, put into clips one after another.
class PlayTake::Clips {
 public:
  Clips(PlayRecorder& recorder, std::string caption)
      : recorder_(recorder), caption_(std::move(caption)) {}

  void add(const std::vector<std::byte>& jpeg, const data::FrameRow& row) {
    if (*is_lost_) throw Error(ErrorCode::kIo, "a clip could not be written");
    const video::Image frame = video::decode_image(jpeg, "frame");
    write(frame, row);
    if (clip_->num_frames() < recorder_.clip_frames()) return;
    recorder_.do_later(
        [clip = std::move(clip_), caption = caption_, is_lost = is_lost_, &recorder = recorder_] {
          if (!finish(recorder, *clip, caption)) *is_lost = true;
        });
    write(frame, row);  // The next clip starts where this one ends.
  }

  /// Ends the last clip.
  void finish() {
    if (clip_ != nullptr) finish(recorder_, *clip_, caption_);
    clip_ = nullptr;
  }

 private:
  void write(const video::Image& frame, data::FrameRow row) {
    if (clip_ == nullptr) {
      clip_ = std::make_shared<data::ClipWriter>(recorder_.writer(), new_clip_id());
      row.action = {};
      row.delta_position = {};
    }
    clip_->add(frame, row);
  }

  /// False when the clip is lost.
  static bool finish(const PlayRecorder& recorder, data::ClipWriter& clip,
                     const std::string& caption) {
    if (clip.num_frames() < 2) return true;
    try {
      clip.finish(caption);
      recorder.writer().add_to_split(kSplit, clip.id());
    } catch (const std::exception& error) {
      log::error("record: clip ", clip.id(), " is lost: ", error.what());
      return false;
    }
    return true;
  }

  PlayRecorder& recorder_;
  const std::string caption_;
  const std::shared_ptr<std::atomic<bool>> is_lost_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<data::ClipWriter> clip_;
};

PlayTake::PlayTake(std::shared_ptr<PlayRecorder> recorder)
    : recorder_(std::move(recorder)), num_undoable_(num_undoable_frames(recorder_->fps())) {}

PlayTake::~PlayTake() { hand_over(); }

void PlayTake::hand_over() {
  if (clips_ == nullptr || is_broken_) {
    clips_ = nullptr;
    waiting_.clear();
    return;
  }
  // The recorder ends its thread before it goes, so it outlives the work.
  recorder_->do_later(
      [clips = std::exchange(clips_, nullptr), waiting = std::exchange(waiting_, {})] {
        try {
          for (const Waiting& one : waiting) clips->add(one.jpeg, one.row);
        } catch (const std::exception& error) {
          log::error("record: ", error.what());
        }
        clips->finish();
      });
}

void PlayTake::add(const engine::SessionFrame& frame) {
  if (frame.start != start_) {
    hand_over();
    start_ = frame.start;
    clips_ = std::make_shared<Clips>(*recorder_, start_->caption);
    is_broken_ = false;
  }
  if (is_broken_) return;
  try {
    take(frame);
  } catch (const std::exception& error) {
    is_broken_ = true;
    throw Error(ErrorCode::kIo, std::string("recording stopped: ") + error.what());
  }
}

void PlayTake::take(const engine::SessionFrame& frame) {
  while (!waiting_.empty() && waiting_.back().index > frame.index) waiting_.pop_back();
  if (!waiting_.empty() && waiting_.back().index == frame.index) return;  // It went back to it.
  data::FrameRow row;
  row.action = frame.action;
  row.pitch = frame.pose.pitch;
  row.yaw = frame.pose.yaw;
  row.position = frame.pose.position;
  if (!waiting_.empty()) {
    for (size_t axis = 0; axis < row.position.size(); ++axis) {
      row.delta_position[axis] = row.position[axis] - waiting_.back().row.position[axis];
    }
  }
  waiting_.push_back({frame.index, video::encode_jpeg(frame.image, kJpegQuality), row});
  if (waiting_.size() <= num_undoable_) return;
  clips_->add(waiting_.front().jpeg, waiting_.front().row);
  waiting_.pop_front();
}

}  // namespace mw::serve
