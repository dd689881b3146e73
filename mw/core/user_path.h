// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string_view>

namespace mw {

/// `text` as a path, with a leading `~` replaced by the home folder, as in config files.
std::filesystem::path user_path(std::string_view text);

/// Where full data sets, runs and pulled models live: `$XDG_CACHE_HOME/microworld`, by default
/// `~/.cache/microworld`. It need not exist.
std::filesystem::path cache_folder();

}  // namespace mw
