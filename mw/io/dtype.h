// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mw::io {

/// Element types of tensors on disk.
enum class DType { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2, kI64, kI32, kI16, kI8, kU8, kBool };

/// Bytes per element.
size_t size_of(DType dtype);

/// The name in a safetensors header, for example "BF16".
const char* name_of(DType dtype);

/// The type of that name, or nothing for a name that this program does not know.
std::optional<DType> dtype_from_name(std::string_view name);

}  // namespace mw::io
