// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors_files.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "mw/core/error.h"
#include "mw/io/mapped_file.h"
#include "mw/io/safetensors_header.h"

namespace mw::io {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_ending(const fs::path& folder, std::string_view ending) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    // Hidden names are files that another program is still writing.
    if (name.size() > ending.size() && name.ends_with(ending) && name[0] != '.') {
      found.push_back(it->path());
    }
  }
  if (error) {
    throw Error(ErrorCode::kIo, "cannot read folder '" + folder.string() + "': " + error.message());
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// The names that the index's `weight_map` gives to files, each once.
std::set<std::string> shard_names(const fs::path& index) {
  const MappedFile file(index);
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  const auto bad = [&](const std::string& reason) {
    return Error(ErrorCode::kFormat, "index '" + index.string() + "': " + reason);
  };
  if (file.bytes().empty() || file.bytes().size() > kMaxSafetensorsHeader) {
    throw bad("its size is not that of an index");
  }
  const auto json = nlohmann::json::parse(text, text + file.bytes().size(), nullptr, false);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw bad("wanted a JSON object with an object 'weight_map'");
  }
  std::set<std::string> names;
  for (const auto& [tensor, shard] : json["weight_map"].items()) {
    if (!shard.is_string())
      throw bad("'weight_map' must give a file name for " + quote_text(tensor));
    const auto& name = shard.get_ref<const std::string&>();
    if (fs::path(name).filename() != name || name == "." || name == ".." ||
        !name.ends_with(".safetensors") || name.find('\0') != std::string::npos) {
      throw bad(quote_text(name) + " is not the name of a .safetensors file in the same folder");
    }
    names.insert(name);
  }
  if (names.empty()) throw bad("'weight_map' names no file");
  return names;
}

}  // namespace

std::vector<fs::path> safetensors_files(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return {path};
  if (!fs::is_directory(path, ignored)) {
    throw Error(ErrorCode::kIo, "no folder or file '" + path.string() + "'");
  }
  const std::vector<fs::path> indices = files_ending(path, ".safetensors.index.json");
  if (indices.size() > 1) {
    throw Error(ErrorCode::kFormat, "folder '" + path.string() + "' has " +
                                        std::to_string(indices.size()) +
                                        " *.safetensors.index.json, wanted one");
  }
  if (indices.empty()) {
    std::vector<fs::path> files = files_ending(path, ".safetensors");
    if (files.empty()) {
      throw Error(ErrorCode::kIo, "folder '" + path.string() + "' has no .safetensors file");
    }
    if (files.size() > 1) {
      throw Error(ErrorCode::kFormat,
                  "folder '" + path.string() + "' has " + std::to_string(files.size()) +
                      " .safetensors files and no .safetensors.index.json; name one file");
    }
    return files;
  }
  std::vector<fs::path> files;
  for (const std::string& name : shard_names(indices[0])) {
    files.push_back(path / name);
    if (!fs::is_regular_file(files.back(), ignored)) {
      throw Error(ErrorCode::kIo,
                  "index '" + indices[0].string() + "' names '" + name + "', which is missing");
    }
  }
  return files;
}

}  // namespace mw::io
