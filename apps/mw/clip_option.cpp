// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/clip_option.h"

#include <algorithm>
#include <filesystem>
#include <optional>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/data/dataset.h"
#include "mw/engine/clip_start.h"

namespace mw::app {

void ClipOption::add_to(CLI::App& command) {
  command.add_option("--clip", file, "Go on from a recorded clip: DATA/clips/ID.mp4 of a data set");
  command.add_option("--clip-frame", frame, "From this frame of it; by default from its end")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000}));
}

engine::WorldStart ClipOption::start() const {
  const std::filesystem::path path = std::filesystem::absolute(user_path(file)).lexically_normal();
  const std::filesystem::path folder = path.parent_path();
  if (folder.filename() != "clips" || path.extension() != ".mp4") {
    throw Error(ErrorCode::kInvalidArgument,
                "--clip: wanted DATA/clips/ID.mp4 of a data set, got " + quote_text(file));
  }
  const data::Dataset dataset(folder.parent_path());
  const std::string id = path.stem().string();
  if (!std::binary_search(dataset.ids().begin(), dataset.ids().end(), id)) {
    throw Error(ErrorCode::kInvalidArgument,
                "--clip: '" + folder.parent_path().string() + "' has no clip " + quote_text(id));
  }
  return engine::start_from_clip(dataset.clip(id),
                                 frame < 0 ? std::nullopt : std::optional<int64_t>(frame));
}

}  // namespace mw::app
