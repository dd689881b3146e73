// SPDX-License-Identifier: Apache-2.0
#include "mw/action/action_space.h"

#include <algorithm>
#include <cmath>

#include "mw/core/error.h"

namespace mw::action {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

void check_turn(const char* name, float degrees) {
  if (!(std::abs(degrees) <= kMaxTurn)) {  // Not a number fails this too.
    throw Error(ErrorCode::kFormat, concat_message(name, " must be -", kMaxTurn, " to ", kMaxTurn,
                                                   " degrees per frame, found ", degrees));
  }
}

}  // namespace

std::optional<int> key_index(std::string_view name) {
  for (int i = 0; i < kNumKeys; ++i) {
    const std::string_view known = kKeyNames[static_cast<size_t>(i)];
    if (std::equal(name.begin(), name.end(), known.begin(), known.end(),
                   [](char a, char b) { return lower(a) == b; })) {
      return i;
    }
  }
  return std::nullopt;
}

void check_action(const Action& action) {
  for (size_t i = 0; i < kNumKeys; ++i) {
    if (action.keys[i] > 1) {
      throw Error(
          ErrorCode::kFormat,
          concat_message("key ", kKeyNames[i], " must be 0 or 1, found ", int{action.keys[i]}));
    }
  }
  check_turn("pitch", action.pitch);
  check_turn("yaw", action.yaw);
}

}  // namespace mw::action
