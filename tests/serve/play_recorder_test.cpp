// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/play_recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <mutex>
#include <utility>

#include "mw/core/log.h"
#include "mw/data/dataset.h"
#include "mw/engine/fake_backend.h"
#include "tests/support/disk_limit.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::serve {
namespace {

constexpr double kFps = 10;
const data::DatasetInfo kInfo{.name = "play",
                              .fps = kFps,
                              .width = 48,
                              .height = 32,
                              .license = "LicenseRef-of-the-model",
                              .made_by = {}};

/// A session on stripes whose frames go into a take; it stops at the frames that it is told to.
class Play {
 public:
  explicit Play(std::shared_ptr<PlayRecorder> recorder) : take_(std::move(recorder)) {
    session_ = std::make_unique<engine::Session>(
        std::make_unique<engine::FakeBackend>(48, 32, kFps),
        engine::SessionEvents{.on_frame =
                                  [this](std::shared_ptr<const engine::SessionFrame> frame) {
                                    take_.add(*frame);
                                    const std::lock_guard<std::mutex> lock(mutex_);
                                    last_ = frame;
                                    changed_.notify_all();
                                  },
                              .on_error = {}});
  }
  /// The first frame of index `index` or more, or after a jump, that is shown from now on.
  std::shared_ptr<const engine::SessionFrame> wait(int64_t index, bool is_jump = false) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [&] {
      return last_ != nullptr && last_->index >= index && (!is_jump || last_->is_jump);
    });
    return std::exchange(last_, nullptr);
  }
  engine::Session& session() { return *session_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const engine::SessionFrame> last_;
  PlayTake take_;
  std::unique_ptr<engine::Session> session_;
};

engine::SessionInput press(action::Key key, double yaw) {
  engine::SessionInput input;
  input.keys[static_cast<size_t>(key)] = 1;
  input.yaw = yaw;
  return input;
}

TEST(PlayRecorderTest, PlayComesBackAsAClipWithoutWhatWasUndone) {
  const test::ScratchFolder folder;
  action::ActionTrack played;
  {
    Play play(std::make_shared<PlayRecorder>(folder / "set", kInfo));
    engine::WorldStart start;
    start.seed = 5;
    start.caption = "stripes";
    start.pitch = 3;
    play.session().start(start);
    play.session().act(press(action::Key::kW, 2.5));
    play.wait(25);
    play.session().undo(1);
    EXPECT_EQ(play.wait(0, true)->index % 10, 0);
    play.session().act(press(action::Key::kA, -4));
    play.wait(40);
    play.session().set_paused(true);
    played = play.session().recorded_actions();
  }
  const data::Dataset dataset(folder / "set");
  ASSERT_EQ(dataset.ids().size(), 1U);
  EXPECT_THAT(dataset.ids()[0], ::testing::StartsWith("play-2"));
  EXPECT_EQ(dataset.split("train"), dataset.ids());
  EXPECT_EQ(dataset.validate(), std::vector<std::string>{});
  const data::Clip clip = dataset.clip(dataset.ids()[0]);
  EXPECT_EQ(clip.caption(), "stripes");
  // The pause may have come while one more frame was made.
  ASSERT_GE(clip.num_frames(), played.num_frames());
  ASSERT_LE(clip.num_frames(), played.num_frames() + 1);
  played = played.resized(clip.num_frames());
  for (int64_t i = 0; i < played.num_frames() - 1; ++i) {
    EXPECT_EQ(clip.actions().rows()[static_cast<size_t>(i)], played.rows()[static_cast<size_t>(i)]);
  }
  EXPECT_EQ(clip.cleaned_actions(), clip.actions());  // What a world obeyed had an effect.
  engine::FakeBackend world(48, 32, kFps);
  const data::Frames frames = clip.load_frames();
  const size_t size = size_t{48} * 32 * 3;
  double yaw = 0;
  for (int64_t i = 0; i < clip.num_frames(); ++i) {
    const auto& row = clip.rows()[static_cast<size_t>(i)];
    engine::WorldStart start;
    start.seed = 5;
    start.pitch = 3;
    const video::Image wanted = i == 0 ? world.start(start) : world.step(row.action);
    const auto* begin = frames.rgb.data() + static_cast<size_t>(i) * size;
    EXPECT_GT(test::psnr({48, 32, {begin, begin + size}}, wanted), 28) << i;
    yaw += row.action.yaw;
    EXPECT_DOUBLE_EQ(row.yaw, yaw);
    EXPECT_EQ(row.pitch, 3);
    EXPECT_EQ(row.position, world.pose().position);
  }
  const auto& last = clip.rows().back();
  EXPECT_EQ(last.delta_position, (std::array<double, 3>{-1, 0, 0}));
}

/// Frames that a session would show, without the waiting.
class Script {
 public:
  explicit Script(PlayTake& take) : take_(take) {}
  void start(uint64_t seed) {
    life_ = std::make_shared<engine::WorldStart>();
    life_->seed = seed;
    index_ = 0;
    show(world_.start(*life_), {}, true);
  }
  void step(int times) {
    action::Action action;
    action.keys[0] = 1;
    while (times-- > 0) {
      ++index_;
      show(world_.step(action), action, false);
    }
  }
  void undo_to(int64_t index) {
    index_ = index;
    show(video::make_image(48, 32), {}, true);
  }

 private:
  void show(video::Image image, const action::Action& action, bool is_jump) {
    engine::SessionFrame frame;
    frame.image = std::move(image);
    frame.action = action;
    frame.pose = world_.pose();
    frame.start = life_;
    frame.number = number_++;
    frame.index = index_;
    frame.is_jump = is_jump;
    take_.add(frame);
  }
  PlayTake& take_;
  engine::FakeBackend world_{48, 32, kFps};
  std::shared_ptr<engine::WorldStart> life_;
  uint32_t number_ = 0;
  int64_t index_ = 0;
};

/// Numbers of frames of all clips, in order.
std::vector<int64_t> lengths(const std::filesystem::path& folder) {
  const data::Dataset dataset(folder);
  EXPECT_EQ(dataset.validate(), std::vector<std::string>{});
  std::vector<int64_t> all;
  for (const std::string& id : dataset.ids()) all.push_back(dataset.clip(id).num_frames());
  std::sort(all.begin(), all.end());
  return all;
}

TEST(PlayRecorderTest, EveryLifeBecomesAClipAndLongOnesSeveral) {
  const test::ScratchFolder folder;
  {
    const auto recorder = std::make_shared<PlayRecorder>(folder.path(), kInfo, 400);
    PlayTake one(recorder), two(recorder);
    Script first(one), second(two);
    first.start(1);
    first.step(6);
    first.start(1);  // The same start is another life.
    first.start(2);  // One frame is no clip.
    first.start(3);
    first.step(999);
    second.start(4);
    second.step(700);  // More than can be undone: 60 s are 600 frames.
    second.undo_to(101);
    second.step(9);
  }
  // 1000 frames: 400, then the last of them again and 399, then that again and 201.
  EXPECT_EQ(lengths(folder.path()), (std::vector<int64_t>{7, 111, 202, 400, 400}));
  EXPECT_EQ(data::Dataset(folder.path()).split("train").size(), 5U);
}

TEST(PlayRecorderTest, MemoryDoesNotGrowWithTheLengthOfPlay) {
  const test::ScratchFolder folder;
  const auto recorder = std::make_shared<PlayRecorder>(folder.path(), kInfo, 128);
  const auto in_use = [] {
    std::ifstream in("/proc/self/statm");
    int64_t size = 0, resident = 0;
    in >> size >> resident;
    return resident * 4096;
  };
  PlayTake take(recorder);
  Script script(take);
  script.start(1);
  script.step(1000);
  const int64_t before = in_use();
  script.step(3000);
  EXPECT_LT(in_use() - before, 6 << 20);  // 3000 frames would be 14 MB, as JPEG 9 MB.
}

TEST(PlayRecorderTest, AFullDiskIsToldAndLeavesNoHalfClip) {
  const test::ScratchFolder folder;
  log::set_sink([](log::Level, const std::string&) {});
  {
    const auto recorder = std::make_shared<PlayRecorder>(folder.path(), kInfo, 64);
    PlayTake take(recorder);
    Script script(take);
    script.start(1);
    {
      const test::DiskLimit limit(1000);
      EXPECT_ERROR(script.step(20000), ErrorCode::kIo, "recording stopped");
      script.step(10);  // Passed over.
    }
    script.start(2);
    script.step(5);
  }
  // Clips that were waiting to be ended may be there, whole; nothing else is.
  EXPECT_EQ(lengths(folder.path()).front(), 6);
  const std::filesystem::directory_iterator clips(folder / "clips");
  EXPECT_EQ(std::distance(begin(clips), end(clips)),
            static_cast<ptrdiff_t>(data::Dataset(folder.path()).ids().size()));
}

TEST(PlayRecorderTest, AnotherWorldsDataSetIsRefused) {
  const test::ScratchFolder folder;
  PlayRecorder(folder.path(), kInfo);
  data::DatasetInfo other = kInfo;
  other.width = 64;
  EXPECT_ERROR(PlayRecorder(folder.path(), other), ErrorCode::kInvalidArgument, "another folder");
}

}  // namespace
}  // namespace mw::serve
