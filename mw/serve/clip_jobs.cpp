// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/clip_jobs.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mw/core/error.h"
#include "mw/serve/players.h"
#include "mw/video/video_writer.h"

namespace mw::serve {
namespace {

constexpr int kLowerPriority = 10;

std::filesystem::path make_temporary_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "mw-clips-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorCode::kIo, "cannot make temporary folder '" + name +
                                    "': " + std::generic_category().message(errno));
  }
  return name;
}

}  // namespace

std::string_view name_of(ClipState state) {
  switch (state) {
    case ClipState::kQueued:
      return "queued";
    case ClipState::kRunning:
      return "running";
    case ClipState::kDone:
      return "done";
    case ClipState::kFailed:
      return "failed";
    case ClipState::kCancelled:
      break;
  }
  return "cancelled";
}

ClipFile::~ClipFile() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

struct ClipJobs::Job {
  std::string id;
  ClipTask task;  // Its function is the thread's alone once the job runs.
  ClipStatus status;
  std::atomic<bool> is_cancelled = false;
  std::atomic<int64_t> frames_done = 0;
};

ClipJobs::~ClipJobs() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_ending_ = true;
    if (running_ != nullptr) running_->is_cancelled = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
  waiting_.clear();
  over_.clear();
  jobs_.clear();
  std::error_code ignored;
  if (!folder_.empty()) std::filesystem::remove(folder_, ignored);
}

std::optional<std::string> ClipJobs::add(ClipTask task) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (waiting_.size() >= limits_.waiting) return std::nullopt;
  if (folder_.empty()) folder_ = make_temporary_folder();
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  const auto job = std::make_shared<Job>();
  job->id = random_token();
  job->status.num_frames = task.num_frames;
  job->task = std::move(task);
  jobs_[job->id] = job;
  waiting_.push_back(job);
  changed_.notify_one();
  return job->id;
}

std::optional<ClipStatus> ClipJobs::status(const std::string& id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return std::nullopt;
  ClipStatus status = found->second->status;
  status.frames_done = found->second->frames_done;
  return status;
}

bool ClipJobs::remove(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return false;
  const std::shared_ptr<Job> job = found->second;
  if (job->status.state == ClipState::kQueued) {
    std::erase(waiting_, job);
    job->task = {};
    finish(job, ClipState::kCancelled);
  } else if (job->status.state == ClipState::kRunning) {
    job->is_cancelled = true;
  } else {
    std::erase(over_, job);
    jobs_.erase(found);
  }
  return true;
}

size_t ClipJobs::num_active() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return waiting_.size() + (running_ != nullptr ? 1 : 0);
}

/// The job is over: an older one that is may have to go. Called under the lock.
void ClipJobs::finish(const std::shared_ptr<Job>& job, ClipState state) {
  job->status.state = state;
  over_.push_back(job);
  while (over_.size() > limits_.kept) {
    jobs_.erase(over_.front()->id);
    over_.pop_front();
  }
}

void ClipJobs::run() {
  [[maybe_unused]] const int priority = ::nice(kLowerPriority);  // Of this thread, on Linux.
  std::unique_lock<std::mutex> lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    const std::shared_ptr<Job> job = running_ = waiting_.front();
    waiting_.pop_front();
    job->status.state = ClipState::kRunning;
    lock.unlock();
    std::string failure;
    std::shared_ptr<const ClipFile> file;
    try {
      file = make(*job);
    } catch (const std::exception& error) {
      failure = error.what();
    }
    job->task = {};  // With the world that it played.
    lock.lock();
    running_ = nullptr;
    if (!job->is_cancelled) job->status.file = std::move(file);
    job->status.error = std::move(failure);
    const bool has_failed = !job->status.error.empty();
    finish(job, job->is_cancelled ? ClipState::kCancelled
                                  : (has_failed ? ClipState::kFailed : ClipState::kDone));
  }
}

std::shared_ptr<const ClipFile> ClipJobs::make(Job& job) {
  auto file = std::make_shared<const ClipFile>(folder_ / (job.id + ".mp4"));
  std::optional<video::VideoWriter> writer;
  for (int64_t i = 0; i < job.task.num_frames; ++i) {
    if (job.is_cancelled) return nullptr;
    const std::optional<video::Image> frame = job.task.frame(i);
    if (!frame) break;
    if (!writer) {
      writer.emplace(
          file->path(),
          video::VideoConfig{.width = frame->width, .height = frame->height, .fps = job.task.fps});
    }
    writer->write(*frame);
    job.frames_done = i + 1;
  }
  if (!writer) throw Error(ErrorCode::kIo, "there is no frame any more");
  writer->finish();
  return file;
}

}  // namespace mw::serve
