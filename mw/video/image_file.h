// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mw/video/image.h"

namespace mw::video {

/// Most pixels of a picture that is read: more than any camera's.
inline constexpr int64_t kMaxPixels = 256'000'000;

/// Reads PNG, JPEG, WebP, BMP, TIFF, GIF (its first frame) or PNM, turned upright as its EXIF says.
/// Transparent pixels are laid over black. Throws Error kIo when the file can't be read, kFormat
/// when it is no such picture or not whole; both name it.
Image read_image(const std::filesystem::path& path);

/// The same from memory; `name` is what messages call it. A picture that says it has more than
/// `max_pixels` is refused (kFormat) before memory is taken for them.
Image decode_image(std::span<const std::byte> bytes, const std::string& name,
                   int64_t max_pixels = kMaxPixels);

/// The image as a PNG file's bytes.
std::vector<std::byte> encode_png(const Image& image);

/// The image as a JPEG file's bytes. quality: 1 (smallest file) to 100 (best picture).
std::vector<std::byte> encode_jpeg(const Image& image, int quality = 92);

/// Write files whole or not at all. Throw Error kIo when that can't be done.
void write_png(const std::filesystem::path& path, const Image& image);
void write_jpeg(const std::filesystem::path& path, const Image& image, int quality = 92);

}  // namespace mw::video
