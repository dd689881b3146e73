// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/session.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <mutex>

#include "mw/engine/fake_backend.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_world.h"

namespace mw::engine {
namespace {

/// Keeps what a session shows and waits for it.
class Viewer {
 public:
  SessionEvents events() {
    return {.on_frame =
                [this](std::shared_ptr<const SessionFrame> frame) {
                  const std::lock_guard<std::mutex> lock(mutex_);
                  frames_.push_back(std::move(frame));
                  changed_.notify_all();
                },
            .on_error =
                [this](const std::string& message) {
                  const std::lock_guard<std::mutex> lock(mutex_);
                  error_ = message;
                  changed_.notify_all();
                }};
  }
  /// The first frame that fits, waited for.
  template <class Fits>
  std::shared_ptr<const SessionFrame> wait(const Fits& fits) {
    std::unique_lock<std::mutex> lock(mutex_);
    std::shared_ptr<const SessionFrame> found;
    changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      for (const auto& frame : frames_) {
        if (!found && fits(*frame)) found = frame;
      }
      return found != nullptr;
    });
    return found;
  }
  std::string wait_error() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] { return !error_.empty(); });
    return error_;
  }
  std::vector<std::shared_ptr<const SessionFrame>> frames() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return frames_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<const SessionFrame>> frames_;
  std::string error_;
};

SessionInput press(action::Key key, uint32_t seq) {
  SessionInput input;
  input.keys[static_cast<size_t>(key)] = 1;
  input.seq = seq;
  input.client_ms = 10.0 * seq;
  return input;
}

auto number_is(uint32_t number) {
  return [number](const SessionFrame& frame) { return frame.number == number; };
}

TEST(SessionTest, FramesAnswerTheNewestKeysAndAllOfTheMotion) {
  Viewer viewer;
  Session session(std::make_unique<FakeBackend>(48, 32, 200), viewer.events());
  session.set_paused(true);
  session.start({});
  ASSERT_NE(viewer.wait(number_is(0)), nullptr);  // Shown though paused.
  SessionInput input = press(action::Key::kW, 1);
  input.yaw = 3;
  session.act(input);
  input = press(action::Key::kD, 2);
  input.yaw = 4;
  input.pitch = -1;
  session.act(input);
  session.set_paused(false);
  const auto frame = viewer.wait(number_is(1));
  ASSERT_NE(frame, nullptr);
  EXPECT_TRUE(frame->action.is_pressed(action::Key::kD));
  EXPECT_FALSE(frame->action.is_pressed(action::Key::kW));
  EXPECT_EQ(frame->action.yaw, 7);
  EXPECT_EQ(frame->action.pitch, -1);
  EXPECT_EQ(frame->seq, 2U);
  EXPECT_EQ(frame->client_ms, 20);
  const auto next = viewer.wait(number_is(2));
  ASSERT_NE(next, nullptr);
  EXPECT_TRUE(next->action.is_pressed(action::Key::kD));  // Held,
  EXPECT_EQ(next->action.yaw, 0);                         // but turned only once.
  input.yaw = std::nan("");
  EXPECT_ERROR(session.act(input), ErrorCode::kFormat, "finite");
}

TEST(SessionTest, FramesComeAtTheRateAndNoFaster) {
  Viewer viewer;
  Session session(std::make_unique<FakeBackend>(48, 32, 50), viewer.events());
  const auto begin = std::chrono::steady_clock::now();
  session.start({});
  ASSERT_NE(viewer.wait(number_is(25)), nullptr);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(460));
}

TEST(SessionTest, UndoGoesBackToAWholeSecondAndResetToTheStart) {
  Viewer viewer;
  Session session(std::make_unique<FakeBackend>(48, 32, 10), viewer.events());
  session.act(press(action::Key::kD, 1));
  session.start({});
  const auto old = viewer.wait(number_is(20));
  ASSERT_NE(old, nullptr);
  viewer.wait(number_is(23));
  session.set_paused(true);
  session.undo(2);
  const auto back = viewer.wait([](const SessionFrame& f) { return f.is_jump && f.number > 0; });
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->index, 20);
  EXPECT_EQ(back->image, old->image);
  EXPECT_EQ(session.recorded_actions().num_frames(), 21);
  session.reset();
  const auto first = viewer.wait([&](const SessionFrame& f) { return f.number > back->number; });
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->is_jump);
  EXPECT_EQ(first->index, 0);
  EXPECT_EQ(first->image, viewer.frames()[0]->image);
}

TEST(SessionTest, FramesSayWhereTheCameraIsAndWhichLifeTheyBelongTo) {
  Viewer viewer;
  Session session(std::make_unique<FakeBackend>(48, 32, 10), viewer.events());
  SessionInput input = press(action::Key::kW, 1);
  input.yaw = 3;
  session.act(input);
  WorldStart start;
  start.pitch = 7;
  start.caption = "a hill";
  session.set_paused(true);
  session.start(start);
  const auto first = viewer.wait(number_is(0));
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->pose, (Pose{.pitch = 7, .yaw = 0, .position = {0, 0, 0}}));
  EXPECT_EQ(first->start->caption, "a hill");
  session.set_paused(false);
  const auto last = viewer.wait(number_is(12));
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->pose.position, (std::array<double, 3>{0, 0, 12}));
  session.undo(1);
  const auto back = viewer.wait([](const SessionFrame& f) { return f.is_jump && f.number > 0; });
  ASSERT_NE(back, nullptr);
  EXPECT_EQ(back->pose.position[2], back->index);
  EXPECT_EQ(back->start, first->start);
  session.reset();
  const auto anew = viewer.wait([&](const SessionFrame& f) { return f.start != first->start; });
  ASSERT_NE(anew, nullptr);
  EXPECT_EQ(anew->index, 0);
  EXPECT_EQ(anew->start->caption, "a hill");
}

/// Steps of this one fail.
class BrokenBackend : public FakeBackend {
 public:
  video::Image step(const action::Action&) override {
    throw Error(ErrorCode::kDevice, "the device is gone");
  }
};

TEST(SessionTest, AFailureIsToldAndPausesTheSession) {
  Viewer viewer;
  Session session(std::make_unique<BrokenBackend>(), viewer.events());
  session.start({});
  EXPECT_EQ(viewer.wait_error(), "the device is gone");
  session.reset();
  EXPECT_NE(viewer.wait(number_is(1)), nullptr);
}

TEST(SessionTest, ARecordedWorldRendersAgainToTheSameFrames) {
  test::ScratchFolder scratch;
  test::write_tiny_world(scratch.path());
  const BackendFactory backends = world_backends(scratch.path(), {});
  Viewer viewer;
  Session session(backends(), viewer.events());
  WorldStart start;
  start.seed = 5;
  session.start(start);
  SessionInput input = press(action::Key::kW, 1);
  input.yaw = 2.5;
  session.act(input);
  ASSERT_NE(viewer.wait(number_is(18)), nullptr);
  session.undo(1);  // What was undone is not in the recording.
  session.act(press(action::Key::kA, 2));
  ASSERT_NE(viewer.wait([](const SessionFrame& f) { return f.seq == 2 && f.index >= 20; }),
            nullptr);
  session.set_paused(true);
  const action::ActionTrack track = session.recorded_actions();
  const auto frames = viewer.frames();
  World world(scratch.path(), {});
  video::Image again = world.start(session.recorded_start());
  EXPECT_EQ(again, frames[0]->image);
  for (int64_t i = 1; i < track.num_frames() - 1; ++i) {
    again = world.step(track.rows()[static_cast<size_t>(i)]);
    for (auto frame = frames.rbegin(); frame != frames.rend(); ++frame) {
      if ((*frame)->index != i) continue;
      ASSERT_EQ(again, (*frame)->image) << i;
      break;
    }
  }
}

TEST(SessionTest, ABranchGoesOnFromAnEarlierSecondAndLeavesTheFirstAlone) {
  test::ScratchFolder scratch;
  test::write_tiny_world(scratch.path());
  const BackendFactory backends = world_backends(scratch.path(), {});
  Viewer viewer, other_viewer;
  Session session(backends(), viewer.events());
  EXPECT_ERROR(session.moment(0), ErrorCode::kInvalidArgument, "no frame yet");
  WorldStart start;
  start.seed = 5;
  session.start(start);
  session.act(press(action::Key::kW, 1));
  ASSERT_NE(viewer.wait(number_is(35)), nullptr);
  session.set_paused(true);
  const auto frames = viewer.frames();
  const SessionMoment moment = session.moment(5);
  const auto at = static_cast<int64_t>(moment.rows.size()) - 1;
  EXPECT_EQ(at % 16, 0);
  EXPECT_LE(at, frames.back()->index - 5);
  EXPECT_EQ(session.moment(100000).rows.size(), 1U);

  Session branch(backends(), other_viewer.events());
  branch.continue_from(moment);
  branch.act(press(action::Key::kS, 2));
  const auto first = other_viewer.wait(number_is(0));
  ASSERT_NE(first, nullptr);
  EXPECT_TRUE(first->is_jump);
  EXPECT_EQ(first->index, at);
  EXPECT_EQ(first->image, frames[static_cast<size_t>(at)]->image);
  EXPECT_EQ(first->action, frames[static_cast<size_t>(at)]->action);
  ASSERT_NE(other_viewer.wait([](const SessionFrame& f) { return f.seq == 2; }), nullptr);
  branch.set_paused(true);
  const size_t played = session.recorded_actions().rows().size();
  EXPECT_GE(played, frames.size());  // The branch took nothing from it.

  // From the start on, the branch's actions lead where it is.
  const action::ActionTrack track = branch.recorded_actions();
  World world(scratch.path(), {});
  world.start(branch.recorded_start());
  video::Image again;
  for (int64_t i = 1; i <= at + 1; ++i) again = world.step(track.rows()[static_cast<size_t>(i)]);
  const auto next = other_viewer.wait(number_is(1));
  ASSERT_NE(next, nullptr);
  EXPECT_EQ(again, next->image);
}

}  // namespace
}  // namespace mw::engine
