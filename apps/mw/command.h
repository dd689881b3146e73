// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace mw::app {

/// Adds one subcommand to `parent`: its options, and a callback that does the work and may throw
/// mw::Error. Options must outlive parsing: keep them in a shared_ptr that the callback holds.
using AddCommand = void (*)(CLI::App& parent);

/// For `check` of an option without a sign: CLI11 would read -1 as the largest number.
inline std::string refuse_negative(const std::string& text) {
  return text.starts_with('-') ? "wanted a whole number from 0, got " + text : "";
}

}  // namespace mw::app
