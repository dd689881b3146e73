// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include "mw/engine/memory_plan.h"
#include "mw/engine/model_layout.h"

namespace mw::engine {

/// What making a clip with a model takes, at the model's own picture size and number of frames;
/// change those, and what else is wanted, before planning.
///
/// dtype: of the transformer and the text encoder, `kChar` for a transformer in 8 bits (the encoder
/// is bfloat16 then); the autoencoder and the image encoder are float32. Parts that the layout
/// lacks count nothing. Reads configurations and headers alone. Throws Error kIo, kFormat or
/// kConfig, naming the file.
MemoryRequest memory_request(const ModelLayout& layout, at::ScalarType dtype);

}  // namespace mw::engine
