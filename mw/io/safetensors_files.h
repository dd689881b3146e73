// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <vector>

namespace mw::io {

/// The weight files of a model folder, sorted: those that its `*.safetensors.index.json` names, or
/// else its only `*.safetensors`. `path` may also be one `.safetensors` file.
///
/// Throws Error kIo when there are none, or a named one is missing; kFormat when the index is not
/// sound, names a file outside the folder, or when several files have no index to say what they
/// are.
std::vector<std::filesystem::path> safetensors_files(const std::filesystem::path& path);

}  // namespace mw::io
