// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace mw::nn {

using TensorMap = std::map<std::string, at::Tensor>;
using Metadata = std::map<std::string, std::string>;

/// Tensors of a safetensors file, or of all shards in a model folder, as views of a private memory
/// map that lives as long as any of them. Pages are read when touched; writing to a view changes
/// this process's copy only. Throws Error kIo or kFormat, naming the file.
TensorMap read_tensors(const std::filesystem::path& file_or_folder);

/// The `__metadata__` of one safetensors file.
Metadata read_metadata(const std::filesystem::path& file);

/// Writes tensors of any device and layout; the file appears whole or not at all.
/// Equal tensors and metadata give equal bytes.
void write_tensors(const std::filesystem::path& file, const TensorMap& tensors,
                   const Metadata& metadata = {});

}  // namespace mw::nn
