// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "mw/engine/clip_plan.h"
#include "mw/engine/pipeline_parts.h"

namespace mw::engine {

/// Where a clip is.
struct ClipProgress {
  enum class Stage {
    kText,     ///< Prompts are being encoded.
    kImage,    ///< The start image is.
    kLoad,     ///< The transformer is being opened.
    kDenoise,  ///< Step `done` of `total` is over.
    kDecode,   ///< `done` of `total` latent frames have become pixels.
  };
  Stage stage = Stage::kText;
  int64_t done = 0, total = 1;
};

/// Hears of progress; false stops the work.
using ClipListener = std::function<bool(const ClipProgress&)>;

/// A clip that was generated.
struct GeneratedClip {
  at::Tensor latents;        ///< [1, C, T, h, w] float32, normalised.
  at::Tensor video;          ///< [1, 3, F, H, W] float32 in [0, 1].
  int64_t reused_steps = 0;  ///< Steps whose blocks TeaCache left out.
};

/// Makes the clip: prompts to embeddings, the image to latents, noise through the sampler's steps
/// to latents, latents to pixels.
///
/// Noise is drawn on the CPU from the plan's seed, as torch does it with a CPU generator. Latents
/// and the sampler are float32 whatever the dtype. Equal plans and thread counts give equal clips.
/// Throws Error kCancelled when the listener says so, and what the parts throw.
/// Sources: `text2video.py` and `image2video.py` of github.com/Wan-Video/Wan2.1; `pipeline_wan.py`
/// and `pipeline_wan_i2v.py` of github.com/huggingface/diffusers; the pipelines of
/// github.com/AMD-AGI/Micro-World.
GeneratedClip generate_clip(const ClipPlan& plan, PipelineParts& parts,
                            const ClipListener& listener = nullptr);

}  // namespace mw::engine
