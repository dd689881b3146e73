// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/contact_sheet.h"

#include <algorithm>
#include <cstddef>

#include "mw/core/error.h"

namespace mw::eval {
namespace {

constexpr size_t kMaxRows = 6, kMoments = 4;
constexpr int kPairGap = 2, kGap = 8;  // Pixels.

}  // namespace

video::Image tile(const std::vector<std::vector<video::Image>>& rows, int gap) {
  MW_CHECK(!rows.empty() && !rows.front().empty(), "tile: no images");
  const int width = rows.front().front().width, height = rows.front().front().height;
  const size_t num_columns = rows.front().size();
  video::Image sheet = video::make_image(static_cast<int>(num_columns) * (width + gap) - gap,
                                         static_cast<int>(rows.size()) * (height + gap) - gap);
  std::ranges::fill(sheet.rgb, uint8_t{255});
  const auto line_bytes = static_cast<ptrdiff_t>(3) * width;
  for (size_t r = 0; r < rows.size(); ++r) {
    MW_CHECK(rows[r].size() == num_columns, "tile: rows of different lengths");
    for (size_t c = 0; c < num_columns; ++c) {
      const video::Image& image = rows[r][c];
      MW_CHECK(image.width == width && image.height == height, "tile: images of different sizes");
      const ptrdiff_t left = static_cast<ptrdiff_t>(c) * (width + gap),
                      top = static_cast<ptrdiff_t>(r) * (height + gap);
      for (ptrdiff_t y = 0; y < height; ++y) {
        std::copy_n(image.rgb.begin() + y * line_bytes, line_bytes,
                    sheet.rgb.begin() + 3 * ((top + y) * sheet.width + left));
      }
    }
  }
  return sheet;
}

video::Image contact_sheet(const std::vector<std::vector<video::Image>>& recorded,
                           const std::vector<std::vector<video::Image>>& played) {
  MW_CHECK(!recorded.empty() && recorded.size() == played.size(),
           "contact sheet: wanted as many plays as recordings");
  const size_t num_rows = std::min(kMaxRows, recorded.size());
  std::vector<std::vector<video::Image>> rows;
  for (size_t r = 0; r < num_rows; ++r) {
    const size_t i = r * recorded.size() / num_rows;
    const size_t last = recorded[i].size() - 1;
    MW_CHECK(last >= 1 && played[i].size() == last + 1,
             "contact sheet: wanted two frames or more, as many played as recorded");
    std::vector<video::Image>& row = rows.emplace_back();
    for (size_t moment = 0; moment <= kMoments; ++moment) {
      const size_t k = (moment * last + kMoments - 1) / kMoments;
      row.push_back(tile({{recorded[i][k], played[i][k]}}, kPairGap));
    }
  }
  return tile(rows, kGap);
}

}  // namespace mw::eval
