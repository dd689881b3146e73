// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "mw/models/vae/wan_vae_config.h"

namespace mw::vae {

/// Tensor names of one WanVAE in the two namings that checkpoints come in: the original's, which
/// this program uses, and diffusers'. diffusers groups what the original numbers in one row, so
/// the sizes of the model are part of the map. Names outside it are equal in both.
std::string original_name(const std::string& diffusers_name, const WanVAEConfig& config);
std::string diffusers_name(const std::string& original_name, const WanVAEConfig& config);

}  // namespace mw::vae
