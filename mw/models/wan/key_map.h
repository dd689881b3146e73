// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mw::wan {

/// Tensor names of one Wan transformer in the two namings that checkpoints come in: the original's
/// (also Micro-World's and this program's own) and diffusers'. Names outside the table, such as
/// those of the action parts, are equal in both. Ask only with names of the one naming: block norms
/// change places between them.
std::string original_name(const std::string& diffusers_name);
std::string diffusers_name(const std::string& original_name);

}  // namespace mw::wan
