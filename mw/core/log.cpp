// SPDX-License-Identifier: Apache-2.0
#include "mw/core/log.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <mutex>
#include <string_view>
#include <utility>

namespace mw::log {
namespace {

constexpr const char* kNames[] = {"debug", "info", "warn", "error"};

Level level_from_environment() {
  const char* wanted = std::getenv("MW_LOG");
  for (int i = 0; wanted != nullptr && i < 4; ++i) {
    if (std::string_view(wanted) == kNames[i]) return static_cast<Level>(i);
  }
  return Level::kInfo;
}

void write_to_stderr(Level level, const std::string& line) {
  char time[16] = "";
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  if (localtime_r(&now, &local) != nullptr) std::strftime(time, sizeof(time), "%H:%M:%S", &local);
  std::fprintf(stderr, "%s %s: %s\n", time, kNames[static_cast<int>(level)], line.c_str());
}

struct State {
  std::mutex mutex;
  Level level = level_from_environment();
  Sink sink = write_to_stderr;
};

State& state() {
  static State instance;
  return instance;
}

}  // namespace

void set_sink(Sink sink) {
  const std::lock_guard lock(state().mutex);
  state().sink = std::move(sink);
}

void set_level(Level level) {
  const std::lock_guard lock(state().mutex);
  state().level = level;
}

void write(Level level, const std::string& line) {
  const std::lock_guard lock(state().mutex);
  if (level >= state().level) state().sink(level, line);
}

}  // namespace mw::log
