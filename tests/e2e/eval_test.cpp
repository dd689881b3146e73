// SPDX-License-Identifier: Apache-2.0
// Runs `mw eval` on a world of random weights: what it prints and writes, not how good that is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mw/video/image_file.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_world.h"

namespace mw {
namespace {

TEST(EvalTest, WritesAReportAndAContactSheet) {
  const test::ScratchFolder scratch;
  test::write_tiny_world(scratch / "model");
  test::write_tiny_dataset(scratch / "set");
  const auto result =
      test::run_mw({"eval", "--real", scratch / "set", "--model", scratch / "model", "--split",
                    "train", "--starts", "2", "--frames", "4", "--long-starts", "1", "--out",
                    scratch / "a/b", "--sheet", scratch / "sheet.png"});
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, ::testing::StartsWith("split train: 2 starts, 4 frames each; 1 whole"));

  const auto report = nlohmann::json::parse(test::read_bytes(scratch / "a/b/report.json"));
  EXPECT_EQ(report.at("starts"), 2);
  for (const char* name : {"full", "prior", "rotation", "repeat"}) {
    EXPECT_GT(report.at("scores").at(name).at("psnr"), 0) << name;
  }
  const video::Image sheet = video::read_image(scratch / "sheet.png");
  EXPECT_EQ(sheet.width, 5 * (48 + 2 + 48) + 4 * 8);
  EXPECT_EQ(sheet.height, 2 * 32 + 8);
}

}  // namespace
}  // namespace mw
