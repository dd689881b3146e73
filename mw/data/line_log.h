// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace mw::data {

/// Adds one line to a text file that several processes may add to at once. A last line without its
/// newline, which a killed process left, is dropped first.
/// Throws Error kInvalidArgument when `line` has a newline, kIo when the file can't be written.
void append_line(const std::filesystem::path& path, std::string_view line);

/// The whole lines of such a file; none when there is no file. Throws Error kIo.
std::vector<std::string> read_lines(const std::filesystem::path& path);

}  // namespace mw::data
