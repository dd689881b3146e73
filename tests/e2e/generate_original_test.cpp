// SPDX-License-Identifier: Apache-2.0
// Runs `mw generate` on tiny original models: what it writes, and what it refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mw/video/video_reader.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_pipeline.h"

namespace mw {
namespace {

using ::testing::HasSubstr;

class GenerateOriginalTest : public ::testing::Test {
 protected:
  test::ProgramResult generate(const std::string& task, std::vector<std::string> more) {
    const std::filesystem::path folder = scratch_ / task;
    if (!std::filesystem::exists(folder)) test::write_tiny_pipeline(task, folder);
    const bool is_world = task.ends_with("w");
    std::vector<std::string> all = {"generate", "--model",  folder / (is_world ? "world" : "base"),
                                    "--prompt", "a meadow", "--size",
                                    "48x32",    "--steps",  "2"};
    if (is_world) {
      all.insert(all.end(), {"--base", folder / "base", "--actions", "w*4"});
    } else {
      all.insert(all.end(), {"--frames", "5"});
    }
    all.insert(all.end(), more.begin(), more.end());
    return test::run_mw(all);
  }

  test::ScratchFolder scratch_;
};

TEST_F(GenerateOriginalTest, AVideoAndItsNumbers) {
  const auto result = generate("t2v", {"--out", scratch_ / "a.mp4", "--json"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("\"task\":\"t2v\",\"frames\":5,\"width\":48,\"height\":32"));
  EXPECT_THAT(result.out, HasSubstr("\"sampler\":\"unipc:diffusers\""));
  const std::vector<video::Image> frames = video::read_clip(scratch_ / "a.mp4");
  ASSERT_EQ(frames.size(), 5U);
  EXPECT_EQ(frames[0].width, 48);
}

TEST_F(GenerateOriginalTest, ActionsGiveTheLengthAndTheOverlay) {
  const std::string plain = scratch_ / "a.mp4", drawn = scratch_ / "b.mp4";
  ASSERT_EQ(generate("t2w", {"--out", plain}).status, 0);
  ASSERT_EQ(generate("t2w", {"--out", drawn, "--overlay"}).status, 0);
  EXPECT_EQ(video::read_clip(plain).size(), 5U);
  EXPECT_NE(test::read_bytes(plain), test::read_bytes(drawn));
}

TEST_F(GenerateOriginalTest, BadInputIsOneLineAndLeavesNothing) {
  const std::string out = scratch_ / "out.mp4";
  EXPECT_TRUE(test::was_refused(generate("t2v", {"--out", out, "--sampler", "heun"}),
                                "wanted unipc, dpm++ or euler"));
  EXPECT_TRUE(
      test::was_refused(generate("t2v", {"--out", out, "--actions", "w*4"}), "takes no --actions"));
  EXPECT_TRUE(test::was_refused(generate("t2v", {"--out", out, "--lora", "none.safetensors"}),
                                "there is no file 'none.safetensors'"));
  EXPECT_TRUE(test::was_refused(generate("t2v", {"--out", out, "--overlay"}), "--overlay draws"));
  EXPECT_TRUE(test::was_refused(generate("t2v", {"--out", out, "--scale", "2"}),
                                "it takes no --clip, --scale"));
  EXPECT_TRUE(test::was_refused(generate("t2v", {"--out", scratch_ / "out.gif"}),
                                "wanted FILE.mp4, FILE.safetensors"));
  EXPECT_EQ(scratch_.num_entries(), 1U);  // The model.
}

}  // namespace
}  // namespace mw
