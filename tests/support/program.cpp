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

ProgramResult run_mw(const std::vector<std::string>& arguments) {
  static int calls = 0;
  const std::string stem =
      (std::filesystem::temp_directory_path() /
       ("mw_run_" + std::to_string(::getpid()) + "_" + std::to_string(++calls)))
          .string();
  std::string command = "OMP_NUM_THREADS=1 " + quoted(std::string(MW_BINARY_DIR) + "/mw");
  for (const std::string& argument : arguments) command += " " + quoted(argument);
  command += " >" + quoted(stem + ".out") + " 2>" + quoted(stem + ".err") + " </dev/null";
  const int status = std::system(command.c_str());
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .out = take_file(stem + ".out"),
          .err = take_file(stem + ".err")};
}

}  // namespace mw::test
