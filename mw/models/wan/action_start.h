// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "mw/models/wan/config.h"
#include "mw/nn/parameter_store.h"

namespace mw::wan {

/// Weights of an action model to train from, made of a plain base model: float32, under the
/// original's names.
///
/// What the base lacks gets a starting value. Each block of a control branch is a copy of the layer
/// that it belongs to, with projections of zero, so the new model computes what the base does; the
/// action module, and the modulation of adaLN models, are random from `seed`. Input channels that
/// the base has not are zeros. Actions that the folder has are kept, so this also goes on from an
/// action model. Missing tensors of the base are errors when the transformer is built.
/// Throws Error kIo, kFormat or kWeights, naming the file or tensor.
/// Differs from the reference: other shapes that do not fit are errors here, not passed over.
/// Source: `from_pretrained` of Micro-World's models.
nn::ParameterStore load_action_start(const std::filesystem::path& folder, const WanConfig& config,
                                     uint64_t seed);

}  // namespace mw::wan
