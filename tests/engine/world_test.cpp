// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/world.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_world.h"

namespace mw::engine {
namespace {

action::Action forward_and_right() {
  action::Action action;
  action.keys[static_cast<size_t>(action::Key::kW)] = 1;
  action.yaw = 5;
  return action;
}

/// A world of random weights in a folder of its own.
class WorldTest : public ::testing::Test {
 protected:
  WorldTest() { test::write_tiny_world(scratch_.path()); }

  World open(WorldMode mode = WorldMode::kFull) const {
    return World(scratch_.path(), {.mode = mode, .dtype = "fp32", .sampling = {}});
  }
  static WorldStart start(uint64_t seed = 1) {
    return {.image = test::smooth_picture(48, 32, 0),
            .caption = "",
            .seed = seed,
            .pitch = 0,
            .noise = {}};
  }
  static std::vector<video::Image> play(World& world, const WorldStart& from, int num_frames,
                                        const action::Action& action) {
    std::vector<video::Image> frames = {world.start(from)};
    while (static_cast<int>(frames.size()) < num_frames) frames.push_back(world.step(action));
    return frames;
  }

  test::ScratchFolder scratch_;
};

TEST_F(WorldTest, EqualSeedsGiveEqualBytesAndOthersDont) {
  World world = open();
  const auto frames = play(world, start(), 9, forward_and_right());
  EXPECT_EQ(frames[0].width, 48);
  EXPECT_EQ(frames[0].height, 32);
  EXPECT_EQ(play(world, start(), 9, forward_and_right()), frames);  // The same world anew.
  World other = open();
  EXPECT_EQ(play(other, start(), 9, forward_and_right()), frames);
  EXPECT_NE(play(other, start(2), 9, forward_and_right()).back(), frames.back());
}

TEST_F(WorldTest, ActionsChangeWhatFollowsAndNothingBefore) {
  World world = open();
  const auto walking = play(world, start(), 3, forward_and_right());
  const auto still = play(world, start(), 3, {});
  EXPECT_EQ(walking[0], still[0]);
  EXPECT_NE(walking[1], still[1]);
}

TEST_F(WorldTest, AWorldWithoutAnImageIsImagined) {
  World world = open();
  WorldStart from = start();
  from.image.reset();
  const auto frames = play(world, from, 4, {});
  EXPECT_EQ(play(world, from, 4, {}), frames);
  from.seed = 9;
  EXPECT_NE(world.start(from), frames[0]);
}

TEST_F(WorldTest, LongStreamsStayFinite) {
  World world = open();
  world.start(start());
  for (int i = 0; i < 300; ++i) world.step(forward_and_right());
  const std::vector<float> latent = world.latent();
  ASSERT_EQ(latent.size(), 16U * 4 * 6);
  for (const float value : latent) ASSERT_TRUE(std::isfinite(value));
}

TEST_F(WorldTest, GivenNoiseReplacesTheSeed) {
  World world = open();
  WorldStart from = start(1);
  from.image.reset();
  from.noise.assign(2 * 16 * 4 * 6, 0.25F);
  const video::Image first = world.start(from);
  from.seed = 2;
  EXPECT_EQ(world.start(from), first);
  from.noise.resize(7);
  EXPECT_ERROR(world.start(from), ErrorCode::kInvalidArgument, "no whole frames of 384");
}

TEST_F(WorldTest, BaselinesDoWhatTheirNamesSay) {
  World repeat = open(WorldMode::kRepeat);
  const auto repeated = play(repeat, start(), 3, forward_and_right());
  EXPECT_EQ(repeated[2], repeated[0]);

  World prior = open(WorldMode::kPriorOnly);
  const auto still = play(prior, start(), 4, {});
  EXPECT_EQ(still[3], still[0]);  // Standing still, the prior keeps its latents.
  EXPECT_NE(play(prior, start(), 2, forward_and_right())[1], still[1]);

  World rotation = open(WorldMode::kRotationOnly);
  action::Action walk = forward_and_right();
  walk.yaw = 0;
  const auto walked = play(rotation, start(), 4, walk);
  EXPECT_EQ(walked[3], walked[0]);
  EXPECT_NE(play(prior, start(), 4, walk)[3], walked[3]);

  WorldStart nothing;
  EXPECT_ERROR(prior.start(nothing), ErrorCode::kInvalidArgument, "needs a start image");
}

TEST_F(WorldTest, StepsComeFromTheFolderUnlessGiven) {
  EXPECT_EQ(open().sampling().steps, SamplingConfig{}.steps);
  SamplingConfig other;
  other.steps = 4;
  World four(scratch_.path(), {.mode = WorldMode::kFull, .dtype = "fp32", .sampling = other});
  World two = open();
  EXPECT_NE(play(four, start(), 2, {})[1], play(two, start(), 2, {})[1]);
  other.steps = 0;
  EXPECT_ERROR(
      World(scratch_.path(), {.mode = WorldMode::kFull, .dtype = "fp32", .sampling = other}),
      ErrorCode::kConfig, "steps must be 1 to 1000");
}

TEST_F(WorldTest, CaptionsShapeAWorldThatReadsThem) {
  World deaf = open();
  EXPECT_FALSE(deaf.reads_captions());
  WorldStart from = start();
  from.image.reset();
  from.caption = "a desert";
  EXPECT_ERROR(deaf.start(from), ErrorCode::kInvalidArgument, "no text encoder");

  test::write_tiny_text_encoder(scratch_.path());
  World world = open();
  ASSERT_TRUE(world.reads_captions());
  const video::Image desert = world.start(from);
  EXPECT_EQ(world.start(from), desert);
  from.caption = "a meadow at dawn";
  EXPECT_NE(world.start(from), desert);
}

TEST_F(WorldTest, SnapshotsGoOnAsTheWorldDid) {
  World world = open();
  play(world, start(), 6, forward_and_right());  // Longer than the window, so pages were evicted.
  const World::Snapshot saved = world.snapshot();
  const video::Image then = world.step({});
  const video::Image later = world.step(forward_and_right());
  for (int again = 0; again < 2; ++again) {  // Going back leaves the snapshot as it was.
    world.restore(saved);
    EXPECT_EQ(world.step({}), then);
    EXPECT_EQ(world.step(forward_and_right()), later);
  }
  World other = world.sibling();
  EXPECT_ERROR(other.step({}), ErrorCode::kInvalidArgument, "start it before");
  EXPECT_ERROR(other.snapshot(), ErrorCode::kInvalidArgument, "start it before");
  EXPECT_ERROR(other.restore(nullptr), ErrorCode::kInvalidArgument, "no snapshot");
  other.restore(saved);
  EXPECT_EQ(other.step({}), then);
  EXPECT_EQ(play(world, start(), 3, {}), play(other, start(), 3, {}));
}

TEST_F(WorldTest, HalfPrecisionStaysClose) {
  World exact = open();
  World half(scratch_.path(), {.mode = WorldMode::kFull, .dtype = "bf16", .sampling = {}});
  EXPECT_GT(test::psnr(play(half, start(), 3, {})[2], play(exact, start(), 3, {})[2]), 25);
}

TEST_F(WorldTest, BrokenFoldersAndCallsAreNamed) {
  World world = open();
  EXPECT_ERROR(world.step({}), ErrorCode::kInvalidArgument, "start it before");
  EXPECT_ERROR(World(scratch_.path(), {.mode = WorldMode::kFull, .dtype = "fp8", .sampling = {}}),
               ErrorCode::kInvalidArgument, "fp32 or bf16, got 'fp8'");
  const auto weights = scratch_ / "transformer/diffusion_pytorch_model.safetensors";
  std::filesystem::resize_file(weights, std::filesystem::file_size(weights) / 2);
  EXPECT_ERROR(open(), ErrorCode::kFormat, "diffusion_pytorch_model.safetensors");
  test::write_bytes(scratch_ / "model_index.json", R"({"width": 50, "height": 32, "fps": 16})");
  EXPECT_ERROR(open(), ErrorCode::kConfig, "multiples of 16");
}

TEST_F(WorldTest, GoesOnFromRecordedFramesAndRemembersThem) {
  World world = open();
  const auto frames = play(world, start(), 7, forward_and_right());
  WorldStart from = start();
  for (int k = 1; k < 6; ++k) {
    from.recorded.push_back({.action = forward_and_right(),
                             .image = test::smooth_picture(48, 32, static_cast<double>(k))});
  }
  World other = open();
  const video::Image shown = other.start(from);
  EXPECT_NE(shown, frames[5]);
  EXPECT_EQ(other.pose().yaw, 25);  // The camera went along.
  const video::Image next = other.step(forward_and_right());

  // The last frame alone gives the same picture, but another past.
  WorldStart alone = start();
  alone.image = from.recorded.back().image;
  World third = open();
  EXPECT_EQ(third.start(alone), shown);
  EXPECT_NE(third.step(forward_and_right()), next);

  EXPECT_EQ(other.start(from), shown);
  EXPECT_EQ(other.step(forward_and_right()), next);
  World baseline = open(WorldMode::kRepeat);
  EXPECT_EQ(baseline.start(from), shown);
  EXPECT_EQ(baseline.step(forward_and_right()), shown);
  from.image.reset();
  EXPECT_ERROR(other.start(from), ErrorCode::kInvalidArgument, "recorded frames follow no image");
}

}  // namespace
}  // namespace mw::engine
