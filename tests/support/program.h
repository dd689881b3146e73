// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace mw::test {

/// What a finished program left.
struct ProgramResult {
  int status = -1;  ///< Exit status, or -1 when a signal ended it.
  std::string out;  ///< Its stdout.
  std::string err;  ///< Its stderr.
};

/// Runs `mw` of this build with these arguments, one thread, and waits for it.
/// environment: changes to it, each "NAME=value".
ProgramResult run_mw(const std::vector<std::string>& arguments,
                     const std::vector<std::string>& environment = {});

/// Whether the program ended with this status and one line on stderr, which begins with "error: "
/// and contains `message`.
::testing::AssertionResult was_refused(const ProgramResult& result, const std::string& message,
                                       int status = 1);

}  // namespace mw::test
