// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

namespace mw::test {

inline constexpr int kTinyWidth = 48, kTinyHeight = 32;

/// Writes a data set for tiny worlds: six clips of 7 smooth frames at 16 per second in split
/// `train`, one more in `val`, each with a caption. Clip c's frame f is smooth_picture(48, 32, c +
/// f / 10); the corner of its depth map is 10 * c + f.
void write_tiny_dataset(const std::filesystem::path& folder, bool has_depth = true);

}  // namespace mw::test
