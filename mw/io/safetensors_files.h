// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace mw::io {

/// The weight files of a model folder, sorted: those that its `*.safetensors.index.json` names, or
/// else its only `*.safetensors`, or of several `diffusion_pytorch_model.safetensors`. `path` may
/// also be one file.
///
/// Throws Error kIo when there are none, or a named one is missing; kFormat when the index is not
/// sound, names a file outside the folder, or when several files have no index to say what they
/// are.
std::vector<std::filesystem::path> safetensors_files(const std::filesystem::path& path);

/// One of them, with what the folder's index says about it.
struct SafetensorsShard {
  std::filesystem::path file;
  std::set<std::string> tensors;  ///< That it must hold; empty without an index.
};

/// The same files with the tensors that the index places in each; the same errors.
std::vector<SafetensorsShard> safetensors_shards(const std::filesystem::path& path);

}  // namespace mw::io
