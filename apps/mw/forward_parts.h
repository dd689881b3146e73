// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mw/nn/tensor_file.h"

namespace mw::app {

/// One run of one network on given tensors.
struct ForwardRequest {
  std::filesystem::path model;  ///< A model in any layout, or the network's own folder or file.
  nn::TensorMap inputs;
  std::string inputs_name;  ///< The file they came from, for messages.
  at::ScalarType dtype = at::kFloat;
  std::optional<std::string> text;  ///< In place of inputs, for the text encoder.
  int64_t text_length = 512;        ///< Tokens that `text` is cut or filled up to.

  /// The input `name`. Throws Error kFormat, naming file and tensor, when there is none.
  const at::Tensor& input(const std::string& name) const;
  /// The same, undefined when there is none.
  at::Tensor optional_input(const std::string& name) const;
  /// Where a network is: a folder with `config.json`, or a weights file.
  /// Throws Error kIo when the model has none of it.
  std::filesystem::path network(const std::string& part) const;
};

/// `hidden_states [B,C,F,H,W]`, `timestep [B]` or `[B,F]`, `encoder_hidden_states [B,S,D]`,
/// optionally `encoder_hidden_states_image [B,257,1280]` and, for action models,
/// `keyboard [B,F_video,7]` with `mouse [B,F_video,2]`; gives `sample`.
nn::TensorMap forward_transformer(const ForwardRequest& request);

/// `video [B,3,F,H,W]` in [-1,1]; gives `latents` (the posterior's mode, normalised) and `moments`
/// (raw).
nn::TensorMap forward_vae_encode(const ForwardRequest& request);

/// `latents [B,C,T,h,w]`, normalised; gives `video` in [-1,1].
nn::TensorMap forward_vae_decode(const ForwardRequest& request);

/// `pixel_values [B,3,S,S]`, normalised; gives `hidden_states`, those of the last layer but one.
nn::TensorMap forward_image(const ForwardRequest& request);

/// `input_ids` and `attention_mask [B,S]`, or the request's text through the model's tokenizer;
/// gives `last_hidden_state`, `input_ids` and `attention_mask`.
nn::TensorMap forward_text(const ForwardRequest& request);

}  // namespace mw::app
