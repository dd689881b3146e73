// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "mw/nn/tensor_file.h"

namespace mw::lora {

/// The change of one module's weight: `scale * up down` (arXiv:2106.09685).
struct LowRank {
  at::Tensor down;     ///< [rank, in], or a convolution's [rank, in, k, ...].
  at::Tensor up;       ///< [out, rank], with as many axes.
  at::Tensor up_bias;  ///< [out], a change of the bias under the same scale, or undefined.
  double scale = 1;    ///< alpha / rank; 1 when the file says no alpha.
};

/// A LoRA file of a Wan transformer, in any of the key styles of `parse_key`, under the original's
/// names.
struct LoraFile {
  std::map<std::string, LowRank> modules;         ///< By module: "blocks.0.self_attn.q".
  std::map<std::string, at::Tensor> differences;  ///< Added as they are, by tensor name:
                                                  ///< "blocks.0.norm3.bias".
  std::string source;                             ///< The file's name, for messages.

  /// Reads a file, or a folder that holds one. alpha comes from `.alpha` tensors, else from the
  /// metadata that diffusers writes, else from peft's `adapter_config.json` beside the file.
  /// Throws Error kIo or kFormat, and kWeights that lists all keys that are of no known style and
  /// all modules with half a pair.
  static LoraFile read(const std::filesystem::path& file_or_folder);

  /// The same of tensors in memory. `configuration`: peft's, as JSON text, or empty.
  static LoraFile of(const nn::TensorMap& tensors, const std::string& configuration,
                     const std::string& source);
};

}  // namespace mw::lora
