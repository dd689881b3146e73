// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "mw/core/error.h"  // concat_message

namespace mw::log {

/// Error = lost work, warn = degraded, info = what an operator wants once, debug = a developer's.
enum class Level { kDebug, kInfo, kWarn, kError };

/// Receives every line that passes the level. Called from any thread, one call at a time.
using Sink = std::function<void(Level, const std::string&)>;

/// Replaces where lines go; the default is stderr with a level and a time. Thread safe.
void set_sink(Sink sink);

/// Drops lines below `level` (default kInfo; the MW_LOG environment variable,
/// debug|info|warn|error, sets the start value).
void set_level(Level level);

void write(Level level, const std::string& line);

template <class... Parts>
void debug(const Parts&... parts) {
  write(Level::kDebug, concat_message(parts...));
}
template <class... Parts>
void info(const Parts&... parts) {
  write(Level::kInfo, concat_message(parts...));
}
template <class... Parts>
void warn(const Parts&... parts) {
  write(Level::kWarn, concat_message(parts...));
}
template <class... Parts>
void error(const Parts&... parts) {
  write(Level::kError, concat_message(parts...));
}

}  // namespace mw::log
