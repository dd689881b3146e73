// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace mw::app {

/// Adds one subcommand's options to `parent` and returns what runs when the user chose it. Options
/// must outlive parsing: keep them in a shared_ptr that the returned function holds.
using AddCommand = std::function<void()> (*)(CLI::App& parent);

}  // namespace mw::app
