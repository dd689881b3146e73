// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace mw::data {

/// What `dataset.json` says about a whole data set.
struct DatasetInfo {
  int version = 1;   ///< Of the folder's layout.
  std::string name;  ///< For example "overworld".
  double fps = 16;
  int width = 0;  ///< Of the frames, in pixels.
  int height = 0;
  std::string license;                         ///< SPDX expression, for example "CC-BY-SA-3.0".
  std::map<std::string, std::string> made_by;  ///< How: program, seed, game, in free words.

  bool operator==(const DatasetInfo&) const = default;
};

/// Clip ids by the name of their split, for example "train" and "val".
using Splits = std::map<std::string, std::vector<std::string>>;

/// Where the parts of a data set lie in its folder.
struct DatasetPaths {
  std::filesystem::path folder;

  std::filesystem::path info() const { return folder / "dataset.json"; }
  std::filesystem::path splits() const { return folder / "splits.json"; }
  std::filesystem::path captions() const { return folder / "captions.jsonl"; }
  std::filesystem::path actions_folder() const { return folder / "actions"; }
  std::filesystem::path clips_folder() const { return folder / "clips"; }
  std::filesystem::path depth_folder() const { return folder / "depth"; }
  std::filesystem::path encoded_folder() const { return folder / "encoded"; }

  std::filesystem::path video(const std::string& id) const {
    return clips_folder() / (id + ".mp4");
  }
  std::filesystem::path actions(const std::string& id) const {
    return actions_folder() / (id + ".jsonl");
  }
  std::filesystem::path depth(const std::string& id) const {
    return depth_folder() / (id + ".safetensors");
  }
  /// Latents and whatever else training caches of a clip.
  std::filesystem::path encoded(const std::string& id) const {
    return encoded_folder() / (id + ".safetensors");
  }
};

/// Read and write the JSON files. Reading throws Error kIo when one is missing or unreadable,
/// kFormat, naming it, when it is not as described; writing is atomic and throws Error kIo.
DatasetInfo read_info(const std::filesystem::path& path);
void write_info(const std::filesystem::path& path, const DatasetInfo& info);
Splits read_splits(const std::filesystem::path& path);
void write_splits(const std::filesystem::path& path, const Splits& splits);

/// Captions by clip id from whole lines `{"id":...,"caption":...}`; the last of an id counts. None
/// when there is no file. Throws Error kFormat with file and line.
std::map<std::string, std::string> read_captions(const std::filesystem::path& path);

/// Adds such a line; several processes may do so at once.
void append_caption(const std::filesystem::path& path, const std::string& id,
                    const std::string& caption);

/// Throws Error kInvalidArgument unless `id` is a plain file name: letters, digits, `.`, `_`, `-`,
/// not opening with a dot, at most 200 characters.
void check_clip_id(const std::string& id);

}  // namespace mw::data
