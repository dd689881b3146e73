// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "mw/action/action_track.h"

namespace mw::action {

/// What `--actions` takes: the name of a file, or the text itself.
/// Throws Error kIo when a named file can't be read, kFormat as the parsers do.
ActionTrack parse_actions(std::string_view file_or_text);

/// Parses text in whichever grammar it is written: a list (opens with `[`, see list_grammar.h),
/// JSON lines (`{`, json_rows.h) or a script (anything else, script.h). Throws Error kFormat with
/// the place, what was wanted and what was found.
ActionTrack parse_action_text(std::string_view text);

}  // namespace mw::action
