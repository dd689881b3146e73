// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "mw/core/error.h"

namespace mw::io {

/// Calls `read` with what a JSON file holds. `what` opens every message, before the file's name.
/// Throws Error kIo when the file can't be opened, kFormat when it is no JSON or `read` finds a
/// field missing or of another type. For sources: the header brings all of the JSON library.
template <class Read>
void read_json(const std::filesystem::path& file, const std::string& what, const Read& read) {
  std::ifstream in(file);
  if (!in) throw Error(ErrorCode::kIo, what + ": can't read '" + file.string() + "'");
  try {
    read(nlohmann::json::parse(in));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kFormat, what + ": '" + file.string() + "': " + error.what());
  }
}

}  // namespace mw::io
