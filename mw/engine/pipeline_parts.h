// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/engine/clip_plan.h"
#include "mw/models/clip/vision_encoder.h"
#include "mw/models/text/tokenizer.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/wan_vae.h"
#include "mw/models/wan/transformer.h"

namespace mw::engine {

/// Where a pipeline gets its networks from, one at a time: each is asked for when it is needed and
/// dropped after use, so that only one of them is in memory. Override to keep them elsewhere.
class PipelineParts {
 public:
  virtual ~PipelineParts() = default;

  virtual text::Tokenizer tokenizer() = 0;
  virtual text::UMT5Encoder text_encoder() = 0;
  virtual clip::VisionEncoder image_encoder() = 0;
  virtual vae::WanVAE vae() = 0;
  /// With the plan's LoRA files merged.
  virtual wan::Transformer transformer() = 0;
  /// What is called after every block of the transformer that was asked for last; may be null.
  virtual wan::LayerProbe after_block() const { return nullptr; }
};

/// The parts of a model folder, weights mapped from its files.
///
/// The transformer and the text encoder are of the plan's dtype. The autoencoder and the image
/// encoder stay float32, as diffusers advises. With sequential offloading the transformer's blocks
/// are dropped from memory after use, where they are used as the file has them.
/// Each call throws Error kIo, kFormat, kConfig or kWeights, naming the file.
class FolderParts : public PipelineParts {
 public:
  /// plan: must outlive this.
  explicit FolderParts(const ClipPlan& plan) : plan_(plan) {}

  text::Tokenizer tokenizer() override;
  text::UMT5Encoder text_encoder() override;
  clip::VisionEncoder image_encoder() override;
  vae::WanVAE vae() override;
  wan::Transformer transformer() override;
  wan::LayerProbe after_block() const override { return after_block_; }

 private:
  const ClipPlan& plan_;
  wan::LayerProbe after_block_;
};

}  // namespace mw::engine
