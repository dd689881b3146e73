// SPDX-License-Identifier: Apache-2.0
#include "tests/support/program.h"

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "mw/core/error.h"

namespace mw::test {
namespace {

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

std::string take_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  std::filesystem::remove(path);
  return bytes;
}

}  // namespace

ProgramResult run_mw(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment) {
  static int calls = 0;
  const std::string stem =
      (std::filesystem::temp_directory_path() /
       ("mw_run_" + std::to_string(::getpid()) + "_" + std::to_string(++calls)))
          .string();
  std::string command = "exec env OMP_NUM_THREADS=1";
  for (const std::string& change : environment) command += " " + quoted(change);
  command += " " + quoted(std::string(MW_BINARY_DIR) + "/mw");
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " >" + quoted(stem + ".out") + " 2>" + quoted(stem + ".err") + " </dev/null";
  const int status = std::system(command.c_str());
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = take_file(stem + ".out"),
          .err = take_file(stem + ".err")};
}

::testing::AssertionResult was_refused(const ProgramResult& result, const std::string& message,
                                       int status) {
  const bool is_one_line = result.err.find('\n') + 1 == result.err.size();
  if (result.status == status && is_one_line && result.err.starts_with("error: ") &&
      result.err.find(message) != std::string::npos) {
    return ::testing::AssertionSuccess();
  }
  return ::testing::AssertionFailure() << "wanted status " << status << " and one line 'error: ..."
                                       << message << "', got status " << result.status << " and\n"
                                       << result.err;
}

}  // namespace mw::test
