// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/clip_jobs.h"

#include <gtest/gtest.h>

#include <chrono>
#include <stdexcept>

#include "mw/video/video_reader.h"
#include "tests/support/pictures.h"

namespace mw::serve {
namespace {

namespace fs = std::filesystem;

/// A gate that frames wait at.
class Gate {
 public:
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return is_open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
};

ClipTask pictures(int64_t num_frames) {
  return {.num_frames = num_frames, .fps = 16, .frame = [](int64_t i) {
            return std::optional(test::smooth_picture(48, 32, 0.1 * static_cast<double>(i)));
          }};
}
ClipTask gated(int64_t num_frames, Gate& gate) {
  ClipTask task = pictures(num_frames);
  task.frame = [&gate, frame = task.frame](int64_t i) {
    if (i > 0) gate.wait();
    return frame(i);
  };
  return task;
}

template <class Fits>
ClipStatus wait_for(const ClipJobs& jobs, const std::string& id, const Fits& fits) {
  for (int i = 0; i < 6000; ++i) {
    const ClipStatus status = jobs.status(id).value();
    if (fits(status)) return status;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("it never came to that");
}
ClipStatus wait_over(const ClipJobs& jobs, const std::string& id) {
  return wait_for(jobs, id, [](const ClipStatus& status) {
    return status.state != ClipState::kQueued && status.state != ClipState::kRunning;
  });
}

TEST(ClipJobsTest, AJobCountsItsFramesAndLeavesAVideoWhileItIsHeld) {
  Gate gate;
  fs::path path;
  {
    ClipJobs jobs({.waiting = 2, .kept = 2});
    const std::string id = jobs.add(gated(5, gate)).value();
    wait_for(jobs, id, [](const ClipStatus& status) { return status.frames_done == 1; });
    EXPECT_EQ(jobs.status(id)->state, ClipState::kRunning);
    EXPECT_EQ(jobs.status(id)->file, nullptr);
    EXPECT_EQ(jobs.num_active(), 1U);
    gate.open();
    const ClipStatus done = wait_over(jobs, id);
    EXPECT_EQ(done.state, ClipState::kDone);
    EXPECT_EQ(done.frames_done, 5);
    path = done.file->path();
    EXPECT_EQ(video::read_clip(path).size(), 5U);
    EXPECT_TRUE(jobs.remove(id));
    EXPECT_FALSE(jobs.status(id));
    EXPECT_TRUE(fs::exists(path));  // Somebody may be reading it.
  }
  EXPECT_FALSE(fs::exists(path));
  EXPECT_FALSE(fs::exists(path.parent_path()));
}

TEST(ClipJobsTest, TooManyWaitingAreRefusedAndTheOldestResultsForgotten) {
  Gate gate;
  ClipJobs jobs({.waiting = 2, .kept = 2});
  const std::string first = jobs.add(gated(2, gate)).value();
  wait_for(jobs, first, [](const ClipStatus& status) { return status.frames_done == 1; });
  const std::string second = jobs.add(pictures(2)).value(), third = jobs.add(pictures(2)).value();
  EXPECT_FALSE(jobs.add(pictures(2)));
  EXPECT_EQ(jobs.num_active(), 3U);
  gate.open();
  wait_over(jobs, third);
  EXPECT_FALSE(jobs.status(first));
  EXPECT_EQ(jobs.status(second)->state, ClipState::kDone);
  EXPECT_EQ(jobs.num_active(), 0U);
}

TEST(ClipJobsTest, CancellingTakesEffectBetweenFrames) {
  Gate gate;
  ClipJobs jobs({.waiting = 2, .kept = 3});
  const std::string running = jobs.add(gated(1'000'000, gate)).value();
  wait_for(jobs, running, [](const ClipStatus& status) { return status.frames_done == 1; });
  const std::string waiting = jobs.add(pictures(2)).value();
  EXPECT_TRUE(jobs.remove(waiting));
  EXPECT_EQ(jobs.status(waiting)->state, ClipState::kCancelled);
  EXPECT_TRUE(jobs.remove(running));
  gate.open();
  const ClipStatus over = wait_over(jobs, running);
  EXPECT_EQ(over.state, ClipState::kCancelled);
  EXPECT_LE(over.frames_done, 2);
  EXPECT_EQ(over.file, nullptr);
  EXPECT_TRUE(jobs.remove(running));
  EXPECT_FALSE(jobs.remove(running));
  EXPECT_EQ(wait_over(jobs, jobs.add(pictures(2)).value()).state, ClipState::kDone);
}

TEST(ClipJobsTest, AFailureIsToldAndTheNextJobRuns) {
  ClipJobs jobs({.waiting = 4, .kept = 4});
  ClipTask broken = pictures(5);
  broken.frame = [frame = broken.frame](int64_t i) {
    if (i == 3) throw std::runtime_error("the device is gone");
    return frame(i);
  };
  const ClipStatus failed = wait_over(jobs, jobs.add(std::move(broken)).value());
  EXPECT_EQ(failed.state, ClipState::kFailed);
  EXPECT_EQ(failed.error, "the device is gone");
  ClipTask short_one = pictures(5);
  short_one.frame = [frame = short_one.frame](int64_t i) {
    return i < 2 ? frame(i) : std::nullopt;
  };
  const ClipStatus done = wait_over(jobs, jobs.add(std::move(short_one)).value());
  EXPECT_EQ(done.state, ClipState::kDone);
  EXPECT_EQ(video::read_clip(done.file->path()).size(), 2U);
  ClipTask empty = pictures(5);
  empty.frame = [](int64_t) -> std::optional<video::Image> { return std::nullopt; };
  EXPECT_EQ(wait_over(jobs, jobs.add(std::move(empty)).value()).state, ClipState::kFailed);
}

TEST(ClipJobsTest, TheEndDoesNotWaitForWholeClips) {
  const auto begin = std::chrono::steady_clock::now();
  {
    ClipJobs jobs({.waiting = 4, .kept = 4});
    const std::string id = jobs.add(pictures(10'000'000)).value();
    jobs.add(pictures(10'000'000));
    wait_for(jobs, id, [](const ClipStatus& status) { return status.frames_done > 2; });
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
}

}  // namespace
}  // namespace mw::serve
