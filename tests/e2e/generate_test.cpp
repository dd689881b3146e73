// SPDX-License-Identifier: Apache-2.0
// Runs the program itself: what it writes, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "mw/action/parse.h"
#include "mw/engine/recording.h"
#include "mw/io/safetensors.h"
#include "mw/video/image_file.h"
#include "mw/video/video_reader.h"
#include "tests/support/pictures.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_world.h"

namespace mw {
namespace {

class GenerateTest : public ::testing::Test {
 protected:
  GenerateTest() {
    test::write_tiny_world(scratch_ / "model");
    video::write_png(scratch_ / "start.png", test::smooth_picture(60, 40, 0));
    std::filesystem::create_directory(scratch_ / "out");
  }

  /// `mw generate` with the model, the picture and a script, then `more`.
  test::ProgramResult generate(const std::vector<std::string>& more) const {
    std::vector<std::string> all = {
        "generate",  "--model",        scratch_ / "model", "--image", scratch_ / "start.png",
        "--actions", "w*3, right(4)*2"};
    // An option that is given again replaces the default one; "-" takes it away.
    for (size_t i = 0; i < more.size(); ++i) {
      const auto given = std::find(all.begin(), all.end(), more[i]);
      if (given != all.end()) all.erase(given, given + 2);
      const bool is_taken_away = i + 1 < more.size() && more[i + 1] == "-";
      if (!is_taken_away) all.push_back(more[i]);
      i += is_taken_away ? 1 : 0;
    }
    return test::run_mw(all);
  }
  std::string out(const std::string& name) const { return scratch_ / ("out/" + name); }
  static size_t num_files(const std::filesystem::path& folder) {
    const std::filesystem::directory_iterator entries(folder);
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  test::ScratchFolder scratch_;
};

TEST_F(GenerateTest, AVideoHasTheLengthOfItsActions) {
  const auto result = generate({"--out", out("a.mp4"), "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::HasSubstr("\"frames\":6,\"width\":48,\"height\":32"));
  EXPECT_EQ(result.err, "");  // No progress line where there is no terminal.
  const std::vector<video::Image> frames = video::read_clip(out("a.mp4"));
  ASSERT_EQ(frames.size(), 6U);
  EXPECT_EQ(frames[0].width, 48);
  EXPECT_EQ(num_files(scratch_ / "out"), 1U);
}

TEST_F(GenerateTest, ARecordedClipIsGoneOnFrom) {
  const std::string clip = std::string(MW_SOURCE_DIR) + "/data/sample/clips/w01-p0000-c0.mp4";
  const auto at = [&](const std::string& frame, const std::string& name) {
    return generate({"--image", "-", "--clip", clip, "--clip-frame", frame, "--out", out(name)});
  };
  ASSERT_EQ(at("20", "a.mp4").status, 0);
  ASSERT_EQ(at("60", "b.mp4").status, 0);
  EXPECT_NE(video::read_clip(out("a.mp4"))[0], video::read_clip(out("b.mp4"))[0]);
  const auto late = at("81", "c.mp4");
  EXPECT_EQ(late.status, 1);
  EXPECT_THAT(late.err, ::testing::HasSubstr("wanted a frame from 0 to 80, got 81"));
  const auto both = generate({"--clip", clip, "--out", out("c.mp4")});
  EXPECT_EQ(both.status, 1);
  EXPECT_THAT(both.err, ::testing::HasSubstr("leave --image out"));
  EXPECT_EQ(num_files(scratch_ / "out"), 2U);
}

TEST_F(GenerateTest, EqualSeedsGiveEqualFiles) {
  ASSERT_EQ(generate({"--out", out("a.mp4"), "--seed", "7"}).status, 0);
  ASSERT_EQ(generate({"--out", out("b.mp4"), "--seed", "7"}).status, 0);
  ASSERT_EQ(generate({"--out", out("c.mp4"), "--seed", "8"}).status, 0);
  EXPECT_EQ(test::read_bytes(out("a.mp4")), test::read_bytes(out("b.mp4")));
  EXPECT_NE(test::read_bytes(out("a.mp4")), test::read_bytes(out("c.mp4")));
}

TEST_F(GenerateTest, ASessionIsRenderedByItsOwnModelFromItsOwnStart) {
  engine::Recording session;
  session.model = scratch_ / "model";
  session.dtype = "bf16";
  session.start.image = video::read_image(scratch_ / "start.png");
  session.start.seed = 7;
  session.start.pitch = 5;
  session.actions = action::parse_actions("w*3, right(4)*2");
  test::write_bytes(scratch_ / "session.jsonl", engine::to_json_lines(session));
  const auto again = test::run_mw(
      {"generate", "--actions", scratch_ / "session.jsonl", "--out", out("a.safetensors")});
  ASSERT_EQ(again.status, 0) << again.err;
  EXPECT_EQ(again.err, "");
  const auto with = [&](const std::string& dtype, const std::string& file) {
    return generate({"--dtype", dtype, "--seed", "7", "--pitch", "5", "--out", file}).status;
  };
  ASSERT_EQ(with("bf16", out("b.safetensors")), 0);
  ASSERT_EQ(with("fp32", out("c.safetensors")), 0);
  EXPECT_EQ(test::read_bytes(out("a.safetensors")), test::read_bytes(out("b.safetensors")));
  EXPECT_NE(test::read_bytes(out("a.safetensors")), test::read_bytes(out("c.safetensors")));
}

TEST_F(GenerateTest, AnOverlayEnlargesSmallFrames) {
  ASSERT_EQ(generate({"--out", out("%05d.png"), "--overlay", "--frames", "3"}).status, 0);
  EXPECT_EQ(num_files(scratch_ / "out"), 3U);
  EXPECT_EQ(video::read_image(out("00002.png")).width, 480);
  ASSERT_EQ(generate({"--out", out("n.mp4"), "--scale", "3", "--filter", "nearest"}).status, 0);
  EXPECT_EQ(video::read_clip(out("n.mp4"))[0].width, 144);
}

TEST_F(GenerateTest, TensorsHoldLatentsAndVideo) {
  ASSERT_EQ(generate({"--out", out("a.safetensors")}).status, 0);
  const io::SafetensorsReader file(out("a.safetensors"));
  EXPECT_EQ(file.tensors().at("latents").shape, (std::vector<int64_t>{1, 16, 6, 4, 6}));
  EXPECT_EQ(file.tensors().at("video").shape, (std::vector<int64_t>{1, 3, 6, 32, 48}));

  // The same noise gives the same clip, whatever the seed.
  std::vector<float> noise(16 * 6 * 4 * 6, 0.5F);
  io::write_safetensors(scratch_ / "noise.safetensors",
                        {{"noise",
                          {.dtype = io::DType::kF32,
                           .shape = {1, 16, 6, 4, 6},
                           .data = std::as_bytes(std::span(noise))}}});
  const std::string given = scratch_ / "noise.safetensors";
  ASSERT_EQ(generate({"--out", out("b.safetensors"), "--noise", given}).status, 0);
  EXPECT_NE(test::read_bytes(out("a.safetensors")), test::read_bytes(out("b.safetensors")));
  EXPECT_THAT(generate({"--out", out("c.mp4"), "--noise", out("a.safetensors")}).err,
              ::testing::HasSubstr("there is no tensor 'noise'"));
}

TEST_F(GenerateTest, EveryTaskRuns) {
  EXPECT_EQ(
      generate({"--task", "i2v", "--actions", "-", "--frames", "4", "--out", out("a.mp4")}).status,
      0);
  EXPECT_EQ(generate({"--task", "t2w", "--image", "-", "--prompt", "a hill", "--out", out("b.mp4")})
                .status,
            0);
  EXPECT_EQ(generate({"--task", "t2v", "--image", "-", "--actions", "-", "--frames", "2", "--out",
                      out("c.mp4")})
                .status,
            0);
  EXPECT_EQ(video::read_clip(out("c.mp4")).size(), 2U);
}

/// Arguments, the exit status and what the one line on stderr says.
struct BadInput {
  std::vector<std::string> arguments;
  int status;
  std::string message;
};

TEST_F(GenerateTest, BadInputIsOneLineAndLeavesNothing) {
  test::write_bytes(scratch_ / "text.png", "no picture");
  test::write_bytes(scratch_ / "bad.jsonl", "{\"keys\":[1]}\n");
  test::write_tiny_world(scratch_ / "cut");
  const auto weights = scratch_ / "cut/vae/diffusion_pytorch_model.safetensors";
  std::filesystem::resize_file(weights, std::filesystem::file_size(weights) / 2);
  std::filesystem::create_directory(scratch_ / "out" / "folder.mp4");
  const std::string good = out("x.mp4");
  const std::vector<BadInput> table = {
      {{"--out", good, "--image", scratch_ / "text.png"}, 1, "text.png"},
      {{"--out", good, "--image", scratch_ / "none.png"}, 1, "none.png"},
      {{"--out", good, "--image", "-"}, 1, "--task i2w starts from a picture"},
      {{"--out", good, "--actions", "-"}, 1, "--task i2w wants --actions"},
      {{"--out", good, "--actions", ""}, 1, "--task i2w wants --actions"},
      {{"--out", good, "--actions", "w*"}, 1, "column"},
      {{"--out", good, "--actions", "jump*4"}, 1, "jump"},
      {{"--out", good, "--actions", scratch_ / "bad.jsonl"}, 1, "line 1"},
      {{"--out", good, "--size", "640x352"}, 1, "renders 48x32, got '640x352'"},
      {{"--out", good, "--size", "big"}, 1, "renders 48x32, got 'big'"},
      {{"--out", good, "--model", scratch_ / "cut"}, 1, "diffusion_pytorch_model.safetensors"},
      {{"--out", good, "--model", "atlantis"}, 1, "model 'atlantis': no model there"},
      {{"--out", scratch_ / "no/such/x.mp4"}, 1, "no/such"},
      {{"--out", scratch_ / "no/such/%05d.png"}, 1, "no/such"},
      {{"--out", scratch_ / "no/such/x.safetensors"}, 1, "no/such"},
      {{"--out", out("folder.mp4")}, 1, "folder.mp4"},
      {{"--out", out("x.gif")}, 1, "wanted FILE.mp4, FILE.safetensors or DIR/%05d.png"},
      {{"--out", out("%s%05d.png")}, 1, "wanted FILE.mp4"},
      {{"--out", good, "--task", "t2w"}, 1, "--task t2w starts from a caption alone"},
      {{"--out", good, "--guidance", "5"}, 1, "no guidance"},
      {{"--out", good, "--lora", "a.safetensors"}, 1, "takes no --lora"},
      {{"--out", good, "--sampler", "unipc"}, 1, "euler or consistency, got 'unipc'"},
      {{"--out", good, "--dtype", "fp8"}, 1, "fp32 or bf16, got 'fp8'"},
      {{"--out", good, "--device", "cuda"}, 3, "--device auto or cpu, got 'cuda'"},
      {{"--out", good, "--frames", "0"}, 1, "--frames"},
  };
  for (const BadInput& bad : table) {
    const auto result = generate(bad.arguments);
    EXPECT_TRUE(test::was_refused(result, bad.message, bad.status));
    EXPECT_EQ(num_files(scratch_ / "out"), 1U) << bad.message;  // The folder that was there.
  }
}

}  // namespace
}  // namespace mw
