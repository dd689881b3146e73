// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <optional>

#include "mw/models/wan/transformer.h"
#include "mw/nn/parameter_store.h"

namespace mw::wan {

/// Tensors of a folder's safetensors files, or of one file of any format that is read, under the
/// original's names, whichever naming they have.
///
/// `dtype`: what floating tensors become, as stored when absent. Modulation tables, norms and the
/// time embedding then become float32 in a half-precision model, as diffusers keeps them.
/// Throws Error kIo, kFormat or kWeights, naming the file or tensor.
nn::ParameterStore load_weights(const std::filesystem::path& folder_or_file,
                                std::optional<at::ScalarType> dtype = std::nullopt);

/// The model of a folder with `config.json` and safetensors: an original release, a `transformer`
/// folder of diffusers, or one of this program's. Strict: a missing tensor and one without a place
/// are both errors.
Transformer load_transformer(const std::filesystem::path& folder,
                             std::optional<at::ScalarType> dtype = std::nullopt);

/// The same with a config that was read, and perhaps changed, before; also of one file of weights.
Transformer load_transformer(const std::filesystem::path& folder_or_file, const WanConfig& config,
                             std::optional<at::ScalarType> dtype = std::nullopt);

}  // namespace mw::wan
