// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>

namespace mw::nn {

using TensorMap = std::map<std::string, at::Tensor>;
using Metadata = std::map<std::string, std::string>;

/// Tensors of one file of weights (safetensors, what torch.save writes, GGUF: told by content), or
/// of all safetensors shards in a model folder, as views of a private memory map that lives as long
/// as any of them. Pages are read when touched; writing to a view changes this process's copy only.
///
/// `quantized_as`: what the blocks of a GGUF file become, in memory of their own.
/// Throws Error kIo or kFormat, naming the file.
TensorMap read_tensors(const std::filesystem::path& file_or_folder,
                       at::ScalarType quantized_as = at::kFloat);

/// The `__metadata__` of one safetensors file.
Metadata read_metadata(const std::filesystem::path& file);

/// Writes tensors of any device and layout; the file appears whole or not at all.
/// `dtype`: what floating tensors become, one at a time; as they are when absent.
/// Equal tensors and metadata give equal bytes.
void write_tensors(const std::filesystem::path& file, const TensorMap& tensors,
                   const Metadata& metadata = {},
                   std::optional<at::ScalarType> dtype = std::nullopt);

}  // namespace mw::nn
