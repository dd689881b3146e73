// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mw::io {

/// RFC 4648, with padding.
std::string to_base64(std::span<const std::byte> bytes);

/// Throws Error kFormat for anything but whole, padded groups.
std::vector<std::byte> from_base64(std::string_view text);

}  // namespace mw::io
