// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mw::app {

/// One thread per operation unless OMP_NUM_THREADS says otherwise: operations of an embedded world
/// are too small to be shared out, its parts run side by side instead.
void use_world_threads();

/// `dtype`, or for "auto" what this processor is fastest in: bf16 if it multiplies that, otherwise
/// fp32.
std::string resolved_dtype(const std::string& dtype);

}  // namespace mw::app
