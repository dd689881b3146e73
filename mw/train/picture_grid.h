// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>

namespace mw::train {

/// Writes pixels [3, H, W] in [-1, 1] (clamped) as a PNG. Builds without video support write a
/// portable pixmap of the same stem instead, so that samples can be looked at everywhere.
void write_picture(const at::Tensor& pixels, const std::filesystem::path& file);

}  // namespace mw::train
