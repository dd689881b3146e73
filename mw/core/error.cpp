// SPDX-License-Identifier: Apache-2.0
#include "mw/core/error.h"

namespace mw {

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return 2;
    case ErrorCode::kDevice:
      return 3;
    default:
      return 1;
  }
}

std::string quote_text(std::string_view text) {
  constexpr size_t kMaxShown = 120;
  std::string shown(text.substr(0, kMaxShown));
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + shown + (text.size() > kMaxShown ? "...'" : "'");
}

}  // namespace mw
