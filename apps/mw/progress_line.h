// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mw::app {

/// One line on stderr that rewrites itself on a terminal and is a plain line elsewhere.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine();

  /// Shows `text`. On a terminal it replaces the line before; in a log every call is a line.
  void show(const std::string& text);
  /// Shows `text` and keeps it.
  void keep(const std::string& text);
  bool is_terminal() const { return is_terminal_; }

 private:
  bool is_terminal_;
  size_t shown_ = 0;
};

/// "1:02:03" or "02:03".
std::string duration_text(double seconds);

}  // namespace mw::app
