// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/pipeline_parts.h"

#include <algorithm>

#include "mw/models/lora/merge_lora.h"
#include "mw/models/wan/block_offload.h"
#include "mw/models/wan/load_transformer.h"
#include "mw/nn/quantize.h"

namespace mw::engine {
namespace {

/// Whether a file of `mw quantize` was opened.
bool is_rounded(const nn::TensorMap& tensors) {
  return std::any_of(tensors.begin(), tensors.end(),
                     [](const auto& entry) { return entry.first.ends_with(".weight_scale"); });
}

}  // namespace

text::Tokenizer FolderParts::tokenizer() { return text::Tokenizer(plan_.layout.part("tokenizer")); }

text::UMT5Encoder FolderParts::text_encoder() {
  return text::load_umt5(plan_.layout.part("text_encoder"), plan_.dtype);
}

clip::VisionEncoder FolderParts::image_encoder() {
  return clip::load_vision_encoder(plan_.layout.part("image_encoder"));
}

vae::WanVAE FolderParts::vae() { return vae::WanVAE::load(plan_.layout.part("vae"), at::kFloat); }

wan::Transformer FolderParts::transformer() {
  const ModelLayout& layout = plan_.layout;
  const wan::WanConfig config = layout.transformer_config.empty()
                                    ? wan::WanConfig{}
                                    : wan::WanConfig::read(layout.transformer_config);
  const std::filesystem::path& source = layout.part("transformer");
  nn::ParameterStore weights = wan::load_weights(source, plan_.dtype);
  for (const LoraChoice& choice : plan_.loras) {
    lora::merge_lora(weights, lora::LoraFile::read(choice.file), choice.scale);
  }
  if (plan_.use_int8 && !is_rounded(weights.tensors())) {
    weights = nn::ParameterStore(nn::quantized_int8(weights.tensors()));
  }
  after_block_ = nullptr;
  if (plan_.offload == Offload::kSequential) {
    after_block_ = wan::BlockOffload(weights.tensors()).probe();
  }
  return nn::build_strictly<wan::Transformer>(config, weights, source.string());
}

}  // namespace mw::engine
