// SPDX-License-Identifier: Apache-2.0
// Stands in for decode_frames.cpp in builds without FFmpeg.
#include "mw/core/error.h"
#include "mw/data/decode_frames.h"

namespace mw::data {

Frames decode_frames(const std::filesystem::path& path, int /*width*/, int /*height*/,
                     int64_t /*num_frames*/) {
  throw Error(ErrorCode::kIo, "cannot decode '" + path.string() +
                                  "': this build has no FFmpeg; configure with MW_VIDEO=ON");
}

}  // namespace mw::data
