// SPDX-License-Identifier: Apache-2.0
#include "mw/core/config.h"

#include <gtest/gtest.h>

#include <fstream>

#include "mw/core/error.h"

namespace mw {
namespace {

struct OptimizerConfig {
  double learning_rate = 1e-3;
  template <class Visitor>
  void visit(Visitor& field) {
    field("learning_rate", learning_rate, "Peak step size.");
  }
};

struct RunConfig {
  int64_t steps = 4;
  bool is_quick = false;
  std::string name = "run";
  std::vector<int64_t> widths = {1};
  OptimizerConfig optimizer;
  template <class Visitor>
  void visit(Visitor& field) {
    field("steps", steps, "Updates.");
    field("is_quick", is_quick, "Short run.");
    field("name", name, "Folder name.");
    field("widths", widths, "Channels.");
    field.section("optimizer", optimizer);
  }
};

std::string message_of(const ConfigSource& source) {
  RunConfig config;
  try {
    source.apply_to(config);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kConfig);
    return error.what();
  }
  return "no error";
}

TEST(ConfigTest, FileThenOverrides) {
  const std::string path = ::testing::TempDir() + "/run.toml";
  std::ofstream(path) << "steps = 8\nwidths = [32, 64]\n[optimizer]\nlearning_rate = 2e-4\n";
  ConfigSource source = ConfigSource::from_file(path);
  source.set("steps=9");
  source.set("name=deep");
  RunConfig config;
  source.apply_to(config);
  EXPECT_EQ(config.steps, 9);
  EXPECT_EQ(config.name, "deep");
  EXPECT_EQ(config.widths, (std::vector<int64_t>{32, 64}));
  EXPECT_DOUBLE_EQ(config.optimizer.learning_rate, 2e-4);
  EXPECT_FALSE(config.is_quick);
}

TEST(ConfigTest, UnknownKeyNamesTheNearest) {
  ConfigSource source;
  source.set("optimizer.learning_rat=1");
  EXPECT_EQ(
      message_of(source),
      "config: unknown key 'optimizer.learning_rat'; did you mean 'optimizer.learning_rate'?");
}

TEST(ConfigTest, WrongTypeNamesKeyAndValue) {
  ConfigSource source;
  source.set("steps=many");
  EXPECT_EQ(message_of(source), "config: 'steps' wants a whole number, got 'many'");
}

TEST(ConfigTest, PrintsWhatItReads) {
  RunConfig config;
  const std::string text = ConfigPrinter::print(config);
  EXPECT_NE(text.find("optimizer.learning_rate = 0.001  # Peak step size."), std::string::npos);
}

}  // namespace
}  // namespace mw
