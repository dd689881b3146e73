// SPDX-License-Identifier: Apache-2.0
// Bytes as the text of an action track, in any of the three grammars.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "mw/action/json_rows.h"
#include "mw/action/parse.h"
#include "mw/action/script.h"
#include "mw/core/error.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mw::action;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const ActionTrack track = parse_action_text(text);
    require(track.num_frames() <= kMaxRows && track.rows()[0] == Action());
    for (const Action& row : track.rows()) check_action(row);
    constexpr int64_t kShort = 2000;  // Writing a million rows each time would test little else.
    if (track.num_frames() <= kShort) require(parse_action_text(to_json_lines(track)) == track);
    if (track.num_frames() > 1) require(parse_action_text(to_script(track)) == track);
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
    require(std::string_view(error.what()).find('\n') == std::string_view::npos);
  }
  return 0;
}
