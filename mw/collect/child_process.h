// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace mw::collect {

/// A program that this process started, and ends when the object goes. Owned by one thread.
class ChildProcess {
 public:
  /// Starts `arguments[0]` with the environment of this process changed by `environment`
  /// ("NAME=value"). `output` receives its stdout and stderr, `passed` (or -1) stays open in it.
  /// The child also ends when this process does. Throws Error kIo.
  ChildProcess(const std::vector<std::string>& arguments,
               const std::vector<std::string>& environment, int output, int passed = -1);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool is_running();

 private:
  pid_t pid_ = -1;
};

}  // namespace mw::collect
