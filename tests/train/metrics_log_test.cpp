// SPDX-License-Identifier: Apache-2.0
#include "mw/train/metrics_log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace mw::train {
namespace {

std::vector<nlohmann::json> lines_of(const test::ScratchFolder& folder) {
  std::vector<nlohmann::json> lines;
  std::istringstream in(test::read_bytes(folder / "metrics.jsonl"));
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(MetricsLogTest, OneObjectPerLine) {
  const test::ScratchFolder folder;
  MetricsLog(folder.path(), 0).write("train", 20, 1.5, {{"loss", 0.25}, {"rate", 1e-3}});
  const auto lines = lines_of(folder);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(
      lines[0],
      (nlohmann::json{{"step", 20}, {"seconds", 1.5}, {"train/loss", 0.25}, {"train/rate", 1e-3}}));
}

TEST(MetricsLogTest, ResumingDropsWhatWillBeNotedAgain) {
  const test::ScratchFolder folder;
  for (const int64_t step : {10, 20, 30}) {
    MetricsLog(folder.path(), step).write("train", step, 1, {{"loss", 1}});
  }
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << R"({"step": 40, "trai)";
  MetricsLog(folder.path(), 20).write("train", 30, 1, {{"loss", 2}});
  const auto lines = lines_of(folder);
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[1].at("step"), 20);
  EXPECT_EQ(lines[2].at("train/loss"), 2);
}

}  // namespace
}  // namespace mw::train
