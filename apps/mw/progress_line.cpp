// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/progress_line.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace mw::app {

ProgressLine::ProgressLine() : is_terminal_(isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (shown_ > 0) std::fputc('\n', stderr);
}

void ProgressLine::show(const std::string& text) {
  if (!is_terminal_) {
    std::fprintf(stderr, "%s\n", text.c_str());
    return;
  }
  const std::string blanks(std::max(shown_, text.size()) - text.size(), ' ');
  std::fprintf(stderr, "\r%s%s", text.c_str(), blanks.c_str());
  std::fflush(stderr);
  shown_ = text.size();
}

void ProgressLine::keep(const std::string& text) {
  show(text);
  if (is_terminal_) std::fputc('\n', stderr);
  shown_ = 0;
}

std::string duration_text(double seconds) {
  const long total = std::max(0L, static_cast<long>(seconds));
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof(text), "%ld:%02ld:%02ld", total / 3600, total / 60 % 60, total % 60);
  } else {
    std::snprintf(text, sizeof(text), "%02ld:%02ld", total / 60, total % 60);
  }
  return text;
}

}  // namespace mw::app
