// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mw/engine/model_layout.h"

namespace mw::engine {

/// What becomes of a model.
struct ConvertRequest {
  LayoutKind to = LayoutKind::kDiffusers;  ///< kDiffusers or kOriginal.
  std::string dtype;  ///< "fp32", "bf16" or "fp16" for floating tensors; empty: as they are.
};

/// Writes a Wan model of one layout as the other: tensors renamed one by one, configurations
/// translated, the tokenizer and the image encoder copied as they are. Weights are written as
/// safetensors in both layouts, one file for each part; converting back gives the same tensors.
///
/// out: a folder that does not exist yet; it appears whole or not at all. The result names the
/// parts that were written. Throws Error kInvalidArgument when `out` exists or the model is an
/// embedded world or a Micro-World one, whose parts have one naming only; kIo, kFormat, kConfig or
/// kWeights as reading does.
std::vector<std::string> convert_model(const ModelLayout& model, const ConvertRequest& request,
                                       const std::filesystem::path& out);

}  // namespace mw::engine
