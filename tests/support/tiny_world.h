// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace mw::test {

/// Writes a whole model folder of an embedded world: real classes at the smallest sizes, every
/// weight random. Frames are 48x32 at 16 per second, latents [16, 4, 6], the window 3 frames.
void write_tiny_world(const std::filesystem::path& folder, uint64_t seed = 1);

/// Adds a tokenizer and a text encoder of random weights to it.
void write_tiny_text_encoder(const std::filesystem::path& folder, uint64_t seed = 1);

}  // namespace mw::test
