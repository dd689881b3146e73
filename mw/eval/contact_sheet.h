// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "mw/video/image.h"

namespace mw::eval {

/// Images in rows as one image, with white gaps between them. Every row has the same number of
/// images, every image the same size. gap: in pixels.
video::Image tile(const std::vector<std::vector<video::Image>>& rows, int gap);

/// Recordings beside plays that began with the same frame, to look at: a row for each of up to six,
/// spread evenly, of pairs (recorded, played) at the start, a quarter, half, three quarters of the
/// way and the end. A play has as many frames as its recording, two or more.
video::Image contact_sheet(const std::vector<std::vector<video::Image>>& recorded,
                           const std::vector<std::vector<video::Image>>& played);

}  // namespace mw::eval
