// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "apps/mw/bench_parts.h"
#include "apps/mw/bench_report.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_world.h"

namespace mw::app {
namespace {

TEST(PercentileTest, TakesTheNearestRank) {
  EXPECT_EQ(percentile({5}, 0.5), 5);
  EXPECT_EQ(percentile({4, 1, 3, 2}, 0.5), 2);
  EXPECT_EQ(percentile({4, 1, 3, 2}, 0.95), 4);
  std::vector<double> hundred(100);
  for (size_t i = 0; i < hundred.size(); ++i) hundred[i] = static_cast<double>(100 - i);
  EXPECT_EQ(percentile(hundred, 0.95), 95);
}

TEST(BenchReportTest, RunsAsOftenAsItSays) {
  BenchReport report({.warm_ups = 2, .repetitions = 7, .max_seconds = 60});
  int runs = 0;
  report.measure({.part = "ops",
                  .name = "counting",
                  .shape = "1",
                  .dtype = "fp32",
                  .rate_unit = "calls",
                  .per_run = 4},
                 [&] { ++runs; });
  EXPECT_EQ(runs, 9);
  ASSERT_EQ(report.rows().size(), 1U);
  EXPECT_EQ(report.rows()[0].warm_ups, 2);
  EXPECT_EQ(report.rows()[0].repetitions, 7);
}

TEST(BenchReportTest, SlowRowsStopAfterThreeRuns) {
  BenchReport report({.warm_ups = 0, .repetitions = 1000, .max_seconds = 1e-9});
  int runs = 0;
  report.measure({}, [&] { ++runs; });
  EXPECT_EQ(runs, 3);
}

TEST(BenchPartsTest, EveryPartTimesATinyWorld) {
  const test::ScratchFolder model;
  test::write_tiny_world(model.path());
  BenchReport report({.warm_ups = 0, .repetitions = 2, .max_seconds = 1});
  bench_ops(model.path(), report);
  bench_dit(model.path(), report);
  bench_vae(model.path(), report);
  bench_play(model.path(), report);
  bench_train(model.path(), report);

  const nlohmann::ordered_json json = report.json();
  std::set<std::string> parts;
  for (const auto& row : json.at("rows")) {
    parts.insert(row.at("part"));
    EXPECT_EQ(row.at("repetitions"), 2) << row;
    EXPECT_GT(row.at("median_ms"), 0) << row;
    EXPECT_GE(row.at("p95_ms"), row.at("median_ms")) << row;
    EXPECT_GT(row.at("rate"), 0) << row;
    EXPECT_THAT(report.table(), testing::HasSubstr(row.at("shape").get<std::string>()));
  }
  EXPECT_EQ(parts, (std::set<std::string>{"ops", "dit", "vae", "play", "train"}));
  EXPECT_FALSE(json.at("commit").get<std::string>().empty());
  // A full window of the past: three frames seen, two of them cached.
  for (const auto& row : json.at("rows")) {
    if (row.at("part") == "dit") {
      EXPECT_THAT(row.at("shape").get<std::string>(), testing::HasSubstr("past 2"));
    }
  }
}

}  // namespace
}  // namespace mw::app
