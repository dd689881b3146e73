// SPDX-License-Identifier: Apache-2.0
// With the real game: skipped where it is not installed.
#include "mw/collect/recorder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "mw/collect/frame_pixels.h"
#include "mw/collect/game.h"
#include "mw/data/dataset.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

#define SKIP_WITHOUT_GAME()                                                           \
  if (access("/usr/games/minetest", X_OK) != 0 || access("/usr/bin/Xvfb", X_OK) != 0) \
  GTEST_SKIP() << "no game here: apt install minetest xvfb"

namespace mw::collect {
namespace {

constexpr double kRadians = std::numbers::pi / 180;
constexpr int kDrawnWidth = 352, kDrawnHeight = 192;

/// Rotations and lengths of a ray through a pixel, for a camera at an absolute pitch.
struct Camera {
  double yaw = 0, pitch = 0;  // Degrees.

  /// Direction of the ray through pixel (x, y): x east, y up, z north.
  std::array<double, 3> ray(double x, double y, int width, int height, double focal) const {
    const double right = (x + 0.5 - width / 2.0) / focal;
    const double down = (y + 0.5 - height / 2.0) / focal;
    const double sy = std::sin(yaw * kRadians), cy = std::cos(yaw * kRadians);
    const double sp = std::sin(pitch * kRadians), cp = std::cos(pitch * kRadians);
    const double ahead = cp - down * sp;  // Along the horizontal heading.
    return {sy * ahead + cy * right, -sp - down * cp, cy * ahead - sy * right};
  }

  /// The pixel of a direction; nothing behind the camera.
  std::optional<std::array<double, 2>> pixel(const std::array<double, 3>& direction, int width,
                                             int height, double focal) const {
    const double sy = std::sin(yaw * kRadians), cy = std::cos(yaw * kRadians);
    const double sp = std::sin(pitch * kRadians), cp = std::cos(pitch * kRadians);
    const double ahead = direction[0] * sy + direction[2] * cy;
    const double right = direction[0] * cy - direction[2] * sy;
    const double depth = ahead * cp - direction[1] * sp;
    const double down = -ahead * sp - direction[1] * cp;
    if (depth <= 0) {
      return std::nullopt;
    }
    return std::array{right / depth * focal + width / 2.0 - 0.5,
                      down / depth * focal + height / 2.0 - 0.5};
  }
};

/// PSNR of `after` against `before` turned from one camera to the other, where that has a source,
/// 8 pixels away from the borders.
double turned_psnr(const video::Image& before, const Camera& from, const video::Image& after,
                   const Camera& to) {
  const double focal = before.height / 2.0 / std::tan(kFieldOfView / 2 * kRadians);
  double sum = 0;
  int64_t count = 0;
  for (int y = 8; y < after.height - 8; ++y) {
    for (int x = 8; x < after.width - 8; ++x) {
      const auto source = from.pixel(to.ray(x, y, after.width, after.height, focal), before.width,
                                     before.height, focal);
      if (!source || (*source)[0] < 8 || (*source)[1] < 8 || (*source)[0] > before.width - 9 ||
          (*source)[1] > before.height - 9) {
        continue;
      }
      const int left = static_cast<int>((*source)[0]), top = static_cast<int>((*source)[1]);
      const double fx = (*source)[0] - left, fy = (*source)[1] - top;
      for (int channel = 0; channel < 3; ++channel) {
        const auto at = [&](const video::Image& image, int column, int row) {
          return static_cast<double>(
              image.rgb[static_cast<size_t>((row * image.width + column) * 3 + channel)]);
        };
        const double turned =
            (at(before, left, top) * (1 - fx) + at(before, left + 1, top) * fx) * (1 - fy) +
            (at(before, left, top + 1) * (1 - fx) + at(before, left + 1, top + 1) * fx) * fy;
        const double error = turned - at(after, x, y);
        sum += error * error;
        ++count;
      }
    }
  }
  EXPECT_GT(count, 3 * 176 * 96 / 4);
  return 10 * std::log10(255.0 * 255.0 * static_cast<double>(count) / std::max(sum, 1e-9));
}

/// A running game at an open place, looking along `yaw`.
class GameTest : public ::testing::Test {
 protected:
  void start(double pitch) {
    game_ = std::make_unique<Game>(GameConfig{.world_seed = 9});
    const std::optional<Place> place =
        game_->find_place(4, 0.5);  // A smooth meadow: fine grass loses 3 dB.
    ASSERT_TRUE(place.has_value());
    camera_ = {place->yaw, pitch};
    game_->go(place->position, camera_.yaw, camera_.pitch);
    game_->run_free(2);
    for (int i = 0; i < 12; ++i) {
      state_ = game_->step({});
    }
  }

  /// One frame; `camera_` follows what was asked.
  void step(const FrameInput& input, RawFrame* raw = nullptr) {
    state_ = game_->step(input, raw);
    camera_.yaw += input.mouse_dx * kDegreesPerPixel;
    camera_.pitch += input.mouse_dy * kDegreesPerPixel;
  }

  void expect_camera() const {
    EXPECT_NEAR(std::remainder(state_.camera_yaw - camera_.yaw, 360.0), 0, 0.01);
    EXPECT_NEAR(state_.camera_pitch, camera_.pitch, 0.01);
  }

  std::unique_ptr<Game> game_;
  Camera camera_;
  PlayerState state_;
};

TEST_F(GameTest, ObeysMouseAndKeysInTheFrameTheyAreGiven) {
  SKIP_WITHOUT_GAME();
  start(4);
  ASSERT_NO_FATAL_FAILURE();
  const std::array<double, 3> start_position = state_.position;

  // Turns and looks, each in its own frame, and the picture turns by just that much.
  double psnr_sum = 0, worst_unturned = 0;
  int turns = 0;
  RawFrame raw;
  step({}, &raw);
  video::Image before = downsample(raw, kDrawnWidth, kDrawnHeight);
  for (const auto& [dx, dy] : std::vector<std::pair<int, int>>{
           {10, 0}, {-30, 0}, {45, 0}, {-45, 0}, {60, 0}, {0, 10}, {0, -25}, {0, 30}, {20, -10}}) {
    const Camera from = camera_;
    FrameInput input;
    input.mouse_dx = dx;
    input.mouse_dy = dy;
    step(input, &raw);
    expect_camera();
    const video::Image after = downsample(raw, kDrawnWidth, kDrawnHeight);
    psnr_sum += turned_psnr(before, from, after, camera_);
    worst_unturned = std::max(worst_unturned, turned_psnr(before, camera_, after, camera_));
    ++turns;
    before = after;
  }
  EXPECT_GE(psnr_sum / turns, 33) << "turned frames, mean PSNR in dB";
  EXPECT_LT(worst_unturned, 31) << "an unturned frame should not fit";
  EXPECT_EQ(state_.position, start_position);

  // W moves along the yaw from its first frame on; at full speed 4 nodes a second.
  FrameInput walk;
  walk.keys[0] = 1;
  std::array<double, 3> position = state_.position;
  for (int k = 0; k < 8; ++k) {
    step(walk);
    const double dx = state_.position[0] - position[0], dz = state_.position[2] - position[2];
    const double along =
        dx * std::sin(camera_.yaw * kRadians) + dz * std::cos(camera_.yaw * kRadians);
    const double across =
        dx * std::cos(camera_.yaw * kRadians) - dz * std::sin(camera_.yaw * kRadians);
    EXPECT_GT(along, 0.02) << "frame " << k;
    EXPECT_NEAR(across, 0, 0.01) << "frame " << k;  // The game's own heading is a degree off.
    if (k >= 3) {
      EXPECT_NEAR(along, kWalkSpeed / 16, 0.01) << "frame " << k;
    }
    position = state_.position;
  }
  // D moves to the right of it, Ctrl makes W faster, Shift slower.
  FrameInput right;
  right.keys[3] = 1;
  for (int k = 0; k < 6; ++k) step(right);
  const double sideways = state_.velocity[0] * std::cos(camera_.yaw * kRadians) -
                          state_.velocity[2] * std::sin(camera_.yaw * kRadians);
  EXPECT_NEAR(sideways, kWalkSpeed, 0.05);
  for (const auto& [key, speed] :
       std::vector<std::pair<size_t, double>>{{6, kSprintSpeed}, {5, kSneakSpeed}}) {
    FrameInput gait = walk;
    gait.keys[key] = 1;
    for (int k = 0; k < 8; ++k) step(gait);
    EXPECT_NEAR(std::hypot(state_.velocity[0], state_.velocity[2]), speed, 0.05);
  }
  // Space lifts the feet.
  step({});
  const double ground = state_.position[1];
  FrameInput jump;
  jump.keys[4] = 1;
  for (int k = 0; k < 3; ++k) step(jump);
  EXPECT_GT(state_.position[1], ground + 0.5);
}

TEST_F(GameTest, DepthOfTheGroundFitsTheEyeHeight) {
  SKIP_WITHOUT_GAME();
  // Looking down so far that the lowest row of pixels shows the node under the feet.
  start(54);
  ASSERT_NO_FATAL_FAILURE();
  RawFrame raw;
  step({}, &raw);
  std::vector<double> heights;
  const double focal = kDrawnHeight / 2.0 / std::tan(kFieldOfView / 2 * kRadians);
  for (int x = kDrawnWidth / 2 - 20; x < kDrawnWidth / 2 + 20; ++x) {
    const double depth = planar_depth(raw.depth[static_cast<size_t>(x)], raw.projection);
    const auto ray =
        camera_.ray(x, kDrawnHeight - 1, kDrawnWidth, kDrawnHeight, focal);  // Planar depth 1.
    heights.push_back(-ray[1] * depth);
  }
  std::ranges::sort(heights);
  EXPECT_NEAR(heights[heights.size() / 2], kEyeHeight, 0.03);
}

TEST(RecorderTest, RecordsEpisodesThatHoldTogetherAndGoesOn) {
  SKIP_WITHOUT_GAME();
  const test::ScratchFolder scratch;
  RecordingConfig config;
  config.folder = scratch / "set";
  config.num_clips = 1;
  config.frames = 17;
  const std::atomic<bool> go_on = false;
  int reports = 0;
  const auto report = [&reports](const RecordingProgress&) { ++reports; };
  record(config, report, go_on);
  config.num_clips = 3;
  config.twins = Twins::kAll;
  const RecordingProgress progress = record(config, report, go_on);
  EXPECT_EQ(progress.clips, 3);
  EXPECT_GE(reports, 3);

  const data::Dataset set(config.folder);
  EXPECT_EQ(set.ids().size(), 3U);
  EXPECT_EQ(set.validate(), std::vector<std::string>{});
  EXPECT_EQ(set.split("train").size() + set.split("val").size() + set.split("test").size(), 3U);
  for (const std::string& id : set.ids()) {
    const data::Clip clip = set.clip(id);
    ASSERT_EQ(clip.num_frames(), 17);
    EXPECT_FALSE(clip.caption().empty());
    ASSERT_TRUE(clip.load_depth().has_value());
    for (size_t k = 1; k < clip.rows().size(); ++k) {
      const data::FrameRow& row = clip.rows()[k];
      const data::FrameRow& last = clip.rows()[k - 1];
      EXPECT_NEAR(std::remainder(row.yaw - last.yaw - row.action.yaw, 360.0), 0, 1e-4);
      EXPECT_NEAR(row.pitch - last.pitch, row.action.pitch, 1e-4);
    }
  }
  // Twins start at one place and open with different actions.
  EXPECT_TRUE(std::filesystem::exists(config.folder / "twins.jsonl"));
  const std::string twin =
      *std::ranges::find_if(set.ids(), [](const std::string& id) { return id.back() == 'b'; });
  const data::Clip a = set.clip(twin.substr(0, twin.size() - 1)), b = set.clip(twin);
  for (size_t axis = 0; axis < 3; ++axis) {
    EXPECT_NEAR(a.rows()[0].position[axis], b.rows()[0].position[axis], 0.02);
  }
  EXPECT_EQ(a.rows()[0].yaw, b.rows()[0].yaw);
  EXPECT_NE(a.rows()[1].action, b.rows()[1].action);

  // All clips are there: nothing is started.
  EXPECT_EQ(record(config, report, go_on).frames, 0);
}

TEST(RecorderTest, NamesThePackageOfMissingGraphics) {
  SKIP_WITHOUT_GAME();
  const test::ScratchFolder scratch;
  setenv("LIBGL_DRIVERS_PATH", "/none", 1);
  const std::atomic<bool> go_on = false;
  EXPECT_ERROR(record({.folder = scratch / "set", .num_clips = 1}, {}, go_on), ErrorCode::kIo,
               "; is the Debian package libgl1-mesa-dri installed?");
  unsetenv("LIBGL_DRIVERS_PATH");
}

TEST(RecorderTest, NamesTheOptionThatCannotBe) {
  const test::ScratchFolder scratch;
  RecordingConfig config;
  config.folder = scratch / "set";
  config.num_clips = 1;
  config.width = 170;
  const std::atomic<bool> go_on = false;
  EXPECT_ERROR(record(config, {}, go_on), ErrorCode::kInvalidArgument, "--size 170x96");
  config.width = 176;
  config.shard = 4;
  config.num_shards = 3;
  EXPECT_ERROR(record(config, {}, go_on), ErrorCode::kInvalidArgument, "--shard 4/3");
  EXPECT_FALSE(std::filesystem::exists(config.folder));
}

}  // namespace
}  // namespace mw::collect
