// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>

namespace mw::app {

/// Adds one subcommand to `parent`: its options, and a callback that does the work and may throw
/// mw::Error. Options must outlive parsing: keep them in a shared_ptr that the callback holds.
using AddCommand = void (*)(CLI::App& parent);

}  // namespace mw::app
