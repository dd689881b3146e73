// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_memory.h"

#include <filesystem>

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

WeightBytes bytes_of(const fs::path& part, at::ScalarType dtype) {
  return part.empty() ? WeightBytes() : weight_bytes(part, dtype);
}

}  // namespace

MemoryRequest memory_request(const ModelLayout& layout, at::ScalarType dtype) {
  const at::ScalarType encoder_dtype = dtype == at::kChar ? at::kBFloat16 : dtype;
  MemoryRequest request;
  // A single file has no configuration beside it; it is then of the smallest released model.
  if (!layout.transformer_config.empty()) {
    request.transformer = wan::WanConfig::read(layout.transformer_config);
  }
  std::error_code ignored;
  if (fs::is_regular_file(layout.vae / "config.json", ignored)) {
    request.vae = vae::WanVAEConfig::read(layout.vae / "config.json");
  } else if (request.transformer.out_dim == 48) {  // Only one released autoencoder has 48 channels.
    request.vae = vae::WanVAEConfig::wan22();
  }
  request.transformer_weights = bytes_of(layout.part("transformer"), dtype);
  request.text_weights = bytes_of(layout.text_encoder, encoder_dtype);
  request.image_weights = bytes_of(layout.image_encoder, at::kFloat);
  request.vae_weights = bytes_of(layout.vae, at::kFloat);
  request.width = layout.defaults.width;
  request.height = layout.defaults.height;
  request.frames = layout.defaults.frames;
  request.dtype = dtype;
  request.use_guidance = layout.defaults.guidance > 1;
  request.use_tea_cache = layout.defaults.tea_cache > 0;
  request.has_image = layout.task.starts_with("i2") || layout.task == "flf2v";
  return request;
}

}  // namespace mw::engine
