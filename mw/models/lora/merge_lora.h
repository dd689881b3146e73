// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/models/lora/lora_file.h"
#include "mw/nn/parameter_store.h"

namespace mw::lora {

/// Adds `scale` times a LoRA to the weights of a transformer, which have the original's names:
/// `W += scale * (alpha / rank) * up down`. In place, so layers that are built see it too; computed
/// in float32 and rounded once to the weight's dtype. Several are merged one after another.
///
/// A LoRA of an image model fits a model without image context: what only the former has is passed
/// over. Other modules that the model lacks, and shapes that don't fit, are errors, listed together
/// before anything is changed: Error kWeights.
void merge_lora(nn::ParameterStore& weights, const LoraFile& file, double scale = 1);

/// Takes a merged LoRA out again: float32 weights are then what they were up to its rounding,
/// bfloat16 ones up to bfloat16's.
void unmerge_lora(nn::ParameterStore& weights, const LoraFile& file, double scale = 1);

/// Puts a LoRA beside the weights instead: linear layers built from now on compute it on the way,
/// `y += scale * (alpha / rank) * (x down^T) up^T`, and the large weights stay as they are (mapped
/// from a file, quantised, shared). Several may be attached. Biases, norms, tables and convolutions
/// get changed copies. The same errors.
void attach_lora(nn::ParameterStore& weights, const LoraFile& file, double scale = 1);

}  // namespace mw::lora
