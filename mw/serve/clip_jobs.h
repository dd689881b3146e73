// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "mw/video/image.h"

namespace mw::serve {

/// A clip that is to be made, frame after frame, on the thread of the jobs.
struct ClipTask {
  int64_t num_frames = 0;
  double fps = 16;
  /// The frame of that index; indices come in order. Nothing: the clip ends before it.
  std::function<std::optional<video::Image>(int64_t index)> frame;
};

/// A temporary file, removed when nobody holds it any more.
class ClipFile {
 public:
  explicit ClipFile(std::filesystem::path path) : path_(std::move(path)) {}
  ~ClipFile();
  ClipFile(const ClipFile&) = delete;
  ClipFile& operator=(const ClipFile&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

enum class ClipState { kQueued, kRunning, kDone, kFailed, kCancelled };
std::string_view name_of(ClipState state);

struct ClipStatus {
  ClipState state = ClipState::kQueued;
  int64_t frames_done = 0, num_frames = 0;
  std::string error;                     ///< Of a failed one.
  std::shared_ptr<const ClipFile> file;  ///< The mp4 of one that is done.
};

/// Clips made one at a time on a thread of low priority, so that live worlds go first. Bounded: so
/// many may wait, and of those that are over so many are kept, the newest. Videos lie in a
/// temporary folder. Thread safe.
class ClipJobs {
 public:
  struct Limits {
    size_t waiting = 8;
    size_t kept = 16;
  };
  explicit ClipJobs(const Limits& limits) : limits_(limits) {}
  ~ClipJobs();  ///< Waits for the frame that is being made.

  /// The id of the new job; nothing when too many wait.
  std::optional<std::string> add(ClipTask task);
  std::optional<ClipStatus> status(const std::string& id) const;
  /// Cancels a job that is not over, between two frames, and forgets one that is.
  bool remove(const std::string& id);
  /// Those that wait or run.
  size_t num_active() const;

 private:
  struct Job;
  void run();
  std::shared_ptr<const ClipFile> make(Job& job);
  void finish(const std::shared_ptr<Job>& job, ClipState state);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;
  std::deque<std::shared_ptr<Job>> waiting_, over_;
  std::shared_ptr<Job> running_;
  std::filesystem::path folder_;  // Made with the thread, by the first job.
  bool is_ending_ = false;
  std::thread thread_;
};

}  // namespace mw::serve
