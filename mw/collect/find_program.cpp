// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/find_program.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "mw/core/error.h"

namespace mw::collect {

std::string find_program(const std::string& name, const std::string& package) {
  const char* path = std::getenv("PATH");
  std::istringstream folders(std::string(path == nullptr ? "" : path) + ":/usr/games");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::filesystem::path file = std::filesystem::path(folder) / name;
    if (!folder.empty() && access(file.c_str(), X_OK) == 0 &&
        std::filesystem::is_regular_file(file)) {
      return file.string();
    }
  }
  throw Error(ErrorCode::kIo, concat_message("collect: there is no program '", name,
                                             "'; install the Debian package ", package));
}

}  // namespace mw::collect
