// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_dataset.h"

#include <string>

#include "mw/data/dataset_writer.h"
#include "tests/support/pictures.h"

namespace mw::test {

void write_tiny_dataset(const std::filesystem::path& folder, bool has_depth) {
  constexpr int kFrames = 7, kCells = (kTinyHeight / 4) * (kTinyWidth / 4);
  const data::DatasetWriter writer(folder, {.name = "waves",
                                            .fps = 16,
                                            .width = kTinyWidth,
                                            .height = kTinyHeight,
                                            .license = "",
                                            .made_by = {}});
  data::Splits splits;
  for (int c = 0; c < 7; ++c) {
    data::NewClip clip{.id = "clip" + std::to_string(c),
                       .frames = {},
                       .rows = {},
                       .caption = "waves, number " + std::to_string(c),
                       .depth = {}};
    data::Depth depth{kFrames, kTinyHeight / 4, kTinyWidth / 4, {}};
    depth.inverse.resize(kFrames * kCells);
    for (int f = 0; f < kFrames; ++f) {
      clip.frames.push_back(smooth_picture(kTinyWidth, kTinyHeight, c + 0.1 * f));
      clip.rows.emplace_back();
      depth.inverse[static_cast<size_t>(f * kCells)] = static_cast<uint8_t>(10 * c + f);
    }
    if (has_depth) clip.depth = depth;
    splits[c < 6 ? "train" : "val"].push_back(clip.id);
    writer.write_clip(clip);
  }
  writer.write_splits(splits);
}

}  // namespace mw::test
