// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "mw/action/action_track.h"

namespace mw::action {

/// Parses JSON lines as recorded: a row per frame, row 0 still, each
/// `{"keys":[7 times 0 or 1],"mouse":[pitch, yaw]}`. A field "frame" must count the rows from 0;
/// other fields are passed over, as are empty lines. Throws Error kFormat with the line, what was
/// wanted and what was found.
ActionTrack parse_json_lines(std::string_view text);

/// The track as such lines, `{"frame":0,"keys":[...],"mouse":[...]}`, each closed by a newline.
std::string to_json_lines(const ActionTrack& track);

/// Calls `read` with each line that is not empty as a JSON object and its index, from 0.
/// Throws Error kFormat with the line for what is no object, and for what `read` throws.
void for_each_json_line(std::string_view text,
                        const std::function<void(const nlohmann::json& row, int64_t index)>& read);

/// One parsed line as the action of row `index`. Throws Error kFormat, not naming the place.
Action action_from_json(const nlohmann::json& row, int64_t index);

}  // namespace mw::action
