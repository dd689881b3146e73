// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <string>

#include "mw/engine/world.h"

namespace mw::app {

/// `--clip` and `--clip-frame`: a recorded clip that a world goes on from.
struct ClipOption {
  std::string file;
  int64_t frame = -1;  ///< -1: its last one.

  bool is_given() const { return !file.empty(); }
  void add_to(CLI::App& command);
  /// Throws Error kInvalidArgument when the file is no `clips/ID.mp4` of a data set, and what
  /// engine::start_from_clip throws.
  engine::WorldStart start() const;
};

}  // namespace mw::app
