// SPDX-License-Identifier: Apache-2.0
#pragma once

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
ProgramResult run_mw(const std::vector<std::string>& arguments);

}  // namespace mw::test
