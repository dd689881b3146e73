// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace mw::app {

/// From now on Ctrl-C and SIGTERM turn the result true, so that work ends in order. A second one
/// ends the program at once.
const std::atomic<bool>& watch_interrupts();

}  // namespace mw::app
