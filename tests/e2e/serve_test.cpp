// SPDX-License-Identifier: Apache-2.0
// Runs `mw serve` and `mw play` themselves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <thread>

#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"

namespace mw {
namespace {

using ::testing::HasSubstr;

/// The first line that a server prints, and its exit status when it is told to stop.
struct Served {
  std::string line;
  int status = -1;
};

Served serve_for_a_moment(std::vector<std::string> arguments) {
  std::array<int, 2> pipe{};
  EXPECT_EQ(::pipe(pipe.data()), 0);
  arguments.insert(arguments.begin(), std::string(MW_BINARY_DIR) + "/mw");
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::close(pipe[0]);
    ::close(pipe[1]);
    std::vector<char*> raw;
    for (std::string& argument : arguments) raw.push_back(argument.data());
    raw.push_back(nullptr);
    ::execv(raw[0], raw.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  Served served;
  char c = 0;
  while (::read(pipe[0], &c, 1) == 1 && c != '\n') served.line += c;
  ::kill(child, SIGTERM);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(pipe[0]);
  served.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return served;
}

TEST(ServeTest, AConfigFileSetsWhatTheCommandLineDoesNot) {
  const test::ScratchFolder folder;
  test::write_bytes(folder / "token", "correct-horse-battery\n");
  test::write_bytes(folder / "serve.toml",
                    "fake = true\nport = 1\nmax_sessions = 2\ntoken_file = \"" +
                        (folder / "token").string() + "\"\n");
  const Served served =
      serve_for_a_moment({"serve", "--port", "0", "--config", folder / "serve.toml"});
  EXPECT_EQ(served.status, 0);
  EXPECT_THAT(served.line,
              ::testing::MatchesRegex("http://127.0.0.1:[0-9]+/\\?token=correct-horse-battery"));
  EXPECT_THAT(served.line, ::testing::Not(HasSubstr(":1/")));
}

TEST(ServeTest, WrongSettingsAreNamed) {
  const test::ScratchFolder folder;
  const auto error_of = [&](const std::string& text) {
    test::write_bytes(folder / "serve.toml", text);
    const auto result = test::run_mw({"serve", "--fake", "--config", folder / "serve.toml"});
    EXPECT_EQ(result.status, 1) << text;
    return result.err;
  };
  EXPECT_THAT(error_of("max_session = 2\n"), HasSubstr("did you mean 'max_sessions'"));
  EXPECT_THAT(error_of("max_sessions = 0\n"), HasSubstr("'max_sessions': wanted 1 to 1000"));
  EXPECT_THAT(error_of("port = 65536\n"), HasSubstr("'port': wanted 0 to 65535"));
  EXPECT_THAT(error_of("dtype = \"fp64\"\n"), HasSubstr("'dtype': wanted auto, fp32 or bf16"));
}

TEST(ServeTest, RecordingWantsAFolderThatFits) {
  const test::ScratchFolder folder;
  const Served served = serve_for_a_moment(
      {"play", "--fake", "--no-browser", "--port", "0", "--record", folder / "set"});
  EXPECT_EQ(served.status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "set/dataset.json"));
  const auto refused =
      test::run_mw({"play", "--fake", "--no-browser", "--port", "0", "--record", "/proc/nowhere"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.err, HasSubstr("/proc/nowhere"));
}

}  // namespace
}  // namespace mw
