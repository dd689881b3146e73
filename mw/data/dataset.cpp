// SPDX-License-Identifier: Apache-2.0
#include "mw/data/dataset.h"

#include <algorithm>
#include <system_error>

#include "mw/core/error.h"
#include "mw/io/mapped_file.h"

namespace mw::data {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> ids_in(const fs::path& folder) {
  std::vector<std::string> ids;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const fs::path& path = it->path();
    // Hidden names are rows that are still being written.
    if (path.extension() == ".jsonl" && path.filename().string()[0] != '.') {
      ids.push_back(path.stem().string());
    }
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(ErrorCode::kIo, "cannot read folder '" + folder.string() + "': " + error.message());
  }
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace

Dataset::Dataset(const fs::path& folder) : paths_{folder} {
  if (!fs::is_directory(folder)) {
    throw Error(ErrorCode::kIo, "data set: no folder '" + folder.string() + "'");
  }
  info_ = read_info(paths_.info());
  if (fs::exists(paths_.splits())) splits_ = read_splits(paths_.splits());
  captions_ = read_captions(paths_.captions());
  ids_ = ids_in(paths_.actions_folder());
}

const std::vector<std::string>& Dataset::split(const std::string& name) const {
  const auto found = splits_.find(name);
  if (found != splits_.end()) return found->second;
  std::string known;
  for (const auto& [other, ids] : splits_) known += (known.empty() ? "" : ", ") + other;
  throw Error(ErrorCode::kInvalidArgument, "data set '" + paths_.folder.string() + "': no split " +
                                               quote_text(name) + ", it has " +
                                               (known.empty() ? "none" : known));
}

bool Dataset::has_split(const std::string& name) const {
  const auto found = splits_.find(name);
  return found != splits_.end() && !found->second.empty();
}

std::string Dataset::caption(const std::string& id) const {
  const auto found = captions_.find(id);
  return found == captions_.end() ? std::string() : found->second;
}

Clip Dataset::clip(const std::string& id) const { return {paths_, info_, id, caption(id)}; }

int64_t Dataset::count_frames(const std::string& id) const {
  check_clip_id(id);
  const io::MappedFile file(paths_.actions(id));
  return std::count(file.bytes().begin(), file.bytes().end(), std::byte{'\n'});
}

std::vector<std::string> Dataset::validate() const {
  std::vector<std::string> problems;
  const auto note = [&](const auto& check) {
    try {
      check();
    } catch (const Error& error) {
      problems.emplace_back(error.what());
    }
  };
  for (const std::string& id : ids_) {
    note([&] {
      const Clip found = clip(id);
      note([&] { found.load_frames(); });
      note([&] { found.load_depth(); });
    });
  }
  const std::string file = paths_.splits().string();
  std::map<std::string, std::string> split_of;
  for (const auto& [name, ids] : splits_) {
    for (const std::string& id : ids) {
      const auto [earlier, is_new] = split_of.emplace(id, name);
      if (!is_new) {
        problems.push_back(concat_message("'", file, "': clip '", id, "' is in '", earlier->second,
                                          "' and in '", name, "'"));
      }
      if (!std::binary_search(ids_.begin(), ids_.end(), id)) {
        problems.push_back(
            concat_message("'", file, "': '", name, "' names clip '", id, "', which is not there"));
      }
    }
  }
  return problems;
}

}  // namespace mw::data
