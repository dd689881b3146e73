// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "mw/data/dataset_writer.h"
#include "mw/engine/session.h"

namespace mw::serve {

/// Where sessions become clips of a data set, in its split "train". What takes long, ending a clip,
/// is done on a thread of its own. Thread safe.
class PlayRecorder {
 public:
  /// Longer play becomes several clips: training reads each one whole.
  static constexpr int64_t kClipFrames = 1024;

  /// Throws as data::DatasetWriter does.
  PlayRecorder(const std::filesystem::path& folder, const data::DatasetInfo& info,
               int64_t clip_frames = kClipFrames);
  ~PlayRecorder();  ///< Ends what was handed over.

  const data::DatasetWriter& writer() const { return writer_; }
  double fps() const { return fps_; }
  int64_t clip_frames() const { return clip_frames_; }

  /// Does `work` on the recorder's thread, or at once when much is waiting. What fails is logged.
  void do_later(std::function<void()> work);

 private:
  void run();

  data::DatasetWriter writer_;
  const double fps_;
  const int64_t clip_frames_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool is_ending_ = false;
  std::thread thread_;
};

/// One session's play on its way into clips: a clip ends with its session and where it starts anew.
///
/// Frames that an undo may still take back wait in memory as JPEG, the others go into the video:
/// memory is constant. A clip has 2 frames or more, and is there whole or not at all. Owned by the
/// session's thread.
class PlayTake {
 public:
  explicit PlayTake(std::shared_ptr<PlayRecorder> recorder);
  ~PlayTake();
  PlayTake(const PlayTake&) = delete;
  PlayTake& operator=(const PlayTake&) = delete;

  /// The next frame as the session shows it. Throws Error once when it can't be recorded; what
  /// follows until the next start is then passed over.
  void add(const engine::SessionFrame& frame);

 private:
  class Clips;
  struct Waiting {
    int64_t index;
    std::vector<std::byte> jpeg;
    data::FrameRow row;
  };
  void take(const engine::SessionFrame& frame);
  void hand_over();

  std::shared_ptr<PlayRecorder> recorder_;
  const size_t num_undoable_;
  std::shared_ptr<const engine::WorldStart> start_;
  std::deque<Waiting> waiting_;  // Oldest first, indices without a gap.
  std::shared_ptr<Clips> clips_;
  bool is_broken_ = false;
};

}  // namespace mw::serve
