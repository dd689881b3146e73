// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/interrupt.h"

#include <csignal>

namespace mw::app {
namespace {

std::atomic<bool> is_interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // Signal handlers may write nothing else.

void interrupt(int signal) {
  is_interrupted = true;
  std::signal(signal, SIG_DFL);
}

}  // namespace

const std::atomic<bool>& watch_interrupts() {
  std::signal(SIGINT, interrupt);
  std::signal(SIGTERM, interrupt);
  return is_interrupted;
}

}  // namespace mw::app
