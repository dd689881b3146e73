// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <string>

#include "mw/nn/tensor_file.h"

namespace mw::app {

/// One run of one network on given tensors.
struct ForwardRequest {
  std::filesystem::path model;  ///< A model folder with all networks, or the network's own folder.
  nn::TensorMap inputs;
  std::string inputs_name;  ///< The file they came from, for messages.
  at::ScalarType dtype = at::kFloat;

  /// The input `name`. Throws Error kFormat, naming file and tensor, when there is none.
  const at::Tensor& input(const std::string& name) const;
  /// The same, undefined when there is none.
  at::Tensor optional_input(const std::string& name) const;
  /// Where the network's `config.json` is: `<model>/<part>` or the model folder itself.
  /// Throws Error kIo when it is in neither.
  std::filesystem::path network_folder(const std::string& part) const;
};

/// `hidden_states [B,C,F,H,W]`, `timestep [B]` or `[B,F]`, `encoder_hidden_states [B,S,D]`,
/// optionally `encoder_hidden_states_image [B,257,1280]` and, for action models,
/// `keyboard [B,F_video,7]` with `mouse [B,F_video,2]`; gives `sample`.
nn::TensorMap forward_transformer(const ForwardRequest& request);

}  // namespace mw::app
