// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/embedded_model.h"

#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include "mw/core/error.h"
#include "mw/io/json_file.h"
#include "mw/models/wan/load_transformer.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

struct FrameFormat {
  int width = 0, height = 0;
  double fps = 0;
};

FrameFormat read_format(const fs::path& file) {
  FrameFormat format;
  io::read_json(file, "model", [&](const nlohmann::json& json) {
    format = {.width = json.at("width"), .height = json.at("height"), .fps = json.at("fps")};
  });
  if (format.width < 16 || format.height < 16 || format.width % 16 != 0 ||
      format.height % 16 != 0 || format.width > 4096 || format.height > 4096 || format.fps <= 0) {
    throw Error(
        ErrorCode::kConfig,
        "model: '" + file.string() + "': width and height must be multiples of 16, fps positive");
  }
  return format;
}

prior::CameraPrior load_prior(const fs::path& folder, WorldMode mode) {
  if (mode != WorldMode::kRotationOnly) return prior::CameraPrior::load(folder);
  prior::CameraPriorConfig config = prior::CameraPriorConfig::read(folder / "config.json");
  config.mode = prior::Mode::kRotation;
  return prior::CameraPrior(config);
}

}  // namespace

EmbeddedModel EmbeddedModel::load(const fs::path& folder, const std::string& dtype,
                                  WorldMode mode) {
  MW_CHECK(dtype == "fp32" || dtype == "bf16",
           "dtype: an embedded world runs in fp32 or bf16, got '", dtype, "'");
  const at::ScalarType type = dtype == "bf16" ? at::kBFloat16 : at::kFloat;
  const FrameFormat format = read_format(folder / "model_index.json");
  EmbeddedModel model{
      .dtype = type,
      .width = format.width,
      .height = format.height,
      .fps = format.fps,
      .vae = vae::FrameVAE::load(folder / "vae", type),
      .transformer = wan::load_transformer(folder / "transformer", type),
      .prior = load_prior(folder / "camera_prior", mode),
      .tokenizer = std::nullopt,
      .text_encoder = std::nullopt,
      .sampling = SamplingConfig::read(folder / "scheduler" / "scheduler_config.json")};
  if (fs::exists(folder / "text_encoder")) {
    model.tokenizer.emplace(folder / "tokenizer" / "spiece.model");
    model.text_encoder.emplace(text::load_umt5(folder / "text_encoder"));
    if (model.text_encoder->config().d_model != model.transformer.config().text_dim ||
        model.tokenizer->vocab_size() > model.text_encoder->config().vocab_size) {
      throw Error(ErrorCode::kConfig, "model: '" + folder.string() +
                                          "': tokenizer, text_encoder and transformer do not fit");
    }
  }
  const wan::WanConfig& config = model.transformer.config();
  if (!config.is_causal || config.window_frames == 0 || !config.has_actions() ||
      config.action_temporal_ratio != 1 || config.in_dim != 36 ||
      config.out_dim != model.latent_channels()) {
    throw Error(ErrorCode::kConfig,
                "model: '" + folder.string() +
                    "' is no embedded world; wanted a causal transformer with a window, actions "
                    "and a latent per frame, in_dim 36 and out_dim of the autoencoder's channels");
  }
  return model;
}

wan::Context EmbeddedModel::context_of(const std::string& caption) const {
  if (!text_encoder) {
    MW_CHECK(caption.empty(), "prompt: this model has no text encoder; leave the prompt out");
    return transformer.context(at::zeros({1, 1, transformer.config().text_dim}));
  }
  const text::TokenIds tokens = tokenizer->encode(caption, transformer.config().text_len);
  const auto longs = at::TensorOptions(at::kLong);
  // The rows of the text alone; the transformer pads with zeros, as in training.
  const at::Tensor ids = at::tensor(tokens.ids, longs).narrow(0, 0, tokens.num_tokens());
  return transformer.context(text_encoder->forward(ids.unsqueeze(0)));
}

}  // namespace mw::engine
