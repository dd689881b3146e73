// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_folder.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::engine {
namespace {

TEST(ModelFolderTest, PathsAndCachedNamesAreFound) {
  const test::ScratchFolder scratch;
  ::setenv("XDG_CACHE_HOME", scratch.path().c_str(), 1);
  const auto folder = scratch / "microworld" / "models" / "mine";
  std::filesystem::create_directories(folder);
  EXPECT_ERROR(find_model("mine"), ErrorCode::kIo, "no model there; looked in 'mine', '");
  test::write_bytes(folder / "model_index.json", "{}");
  EXPECT_EQ(find_model("mine"), std::filesystem::weakly_canonical(folder));
  EXPECT_EQ(find_model(folder.string()), std::filesystem::weakly_canonical(folder));
  ::unsetenv("XDG_CACHE_HOME");
}

TEST(SamplingConfigTest, WrittenFilesReadEqual) {
  const test::ScratchFolder scratch;
  const SamplingConfig wanted{.sampler = "consistency",
                              .steps = 3,
                              .first_frame_steps = 7,
                              .shift = 4.5,
                              .context_sigma = 0.125};
  wanted.write(scratch / "config.json");
  EXPECT_EQ(SamplingConfig::read(scratch / "config.json"), wanted);
}

TEST(SamplingConfigTest, BadFilesAreNamed) {
  const test::ScratchFolder scratch;
  const auto file = scratch / "config.json";
  EXPECT_ERROR(SamplingConfig::read(file), ErrorCode::kIo, "can't read");
  test::write_bytes(file, "{\"steps\": \"two\"}");
  EXPECT_ERROR(SamplingConfig::read(file), ErrorCode::kFormat, "config.json");
  test::write_bytes(file, "{\"steps\": 0}");
  EXPECT_ERROR(SamplingConfig::read(file), ErrorCode::kConfig, "steps must be 1 to 1000");
  test::write_bytes(file, "{\"sampler\": \"heun\"}");
  EXPECT_ERROR(SamplingConfig::read(file), ErrorCode::kConfig, "got 'heun'");
}

}  // namespace
}  // namespace mw::engine
