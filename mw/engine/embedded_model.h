// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mw/engine/model_folder.h"
#include "mw/engine/world.h"
#include "mw/models/prior/camera_prior.h"
#include "mw/models/text/tokenizer.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/frame_vae.h"
#include "mw/models/wan/transformer.h"

namespace mw::engine {

/// The parts of an embedded world's folder, loaded: `transformer/`, `vae/`, `camera_prior/`,
/// `scheduler/`, and `model_index.json` with the size and rate of its frames.
struct EmbeddedModel {
  /// Throws Error kIo, kFormat, kConfig or kWeights, naming the part.
  static EmbeddedModel load(const std::filesystem::path& folder, const std::string& dtype,
                            WorldMode mode);

  /// Context of a prompt; of none without a text encoder, whose absence makes a prompt an Error
  /// kInvalidArgument.
  wan::Context context_of(const std::string& caption) const;

  int64_t latent_channels() const { return vae.config().latent_channels; }
  int64_t frame_tokens() const { return (height / 16) * (width / 16); }
  /// Rows before a frame's own that its action feature may look at, plus one: from the fourth row
  /// of a window on, groups are complete.
  int64_t history_rows() const { return transformer.config().action_window_size; }

  at::ScalarType dtype = at::kFloat;
  int width = 0, height = 0;
  double fps = 16;
  vae::FrameVAE vae;
  wan::Transformer transformer;
  prior::CameraPrior prior;
  std::optional<text::Tokenizer> tokenizer;
  std::optional<text::UMT5Encoder> text_encoder;
  SamplingConfig sampling;
};

}  // namespace mw::engine
