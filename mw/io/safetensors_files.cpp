// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors_files.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/mapped_file.h"
#include "mw/io/shard_index.h"

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

}  // namespace

std::vector<SafetensorsShard> safetensors_shards(const fs::path& path) {
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored)) return {{path, {}}};
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
    // The name that diffusers, Wan and Micro-World give to a network in one file.
    const fs::path usual = path / "diffusion_pytorch_model.safetensors";
    if (files.size() > 1 && std::find(files.begin(), files.end(), usual) != files.end()) {
      return {{usual, {}}};
    }
    if (files.size() > 1) {
      throw Error(ErrorCode::kFormat,
                  "folder '" + path.string() + "' has " + std::to_string(files.size()) +
                      " .safetensors files and no .safetensors.index.json; name one file");
    }
    return {{files[0], {}}};
  }
  std::vector<SafetensorsShard> shards;
  const MappedFile index(indices[0]);
  for (auto& [name, tensors] : parse_shard_index(index.bytes(), indices[0].string())) {
    shards.push_back({path / name, tensors});
    if (!fs::is_regular_file(shards.back().file, ignored)) {
      throw Error(ErrorCode::kIo,
                  "index '" + indices[0].string() + "' names '" + name + "', which is missing");
    }
  }
  return shards;
}

std::vector<fs::path> safetensors_files(const fs::path& path) {
  std::vector<fs::path> files;
  for (SafetensorsShard& shard : safetensors_shards(path)) files.push_back(std::move(shard.file));
  return files;
}

}  // namespace mw::io
