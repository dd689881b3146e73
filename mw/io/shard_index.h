// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <span>
#include <string>

namespace mw::io {

/// Which tensors lie in which file of one folder: file name to tensor names.
using ShardIndex = std::map<std::string, std::set<std::string>>;

/// Parses a `*.safetensors.index.json`.
///
/// name: what messages call it. Throws Error kFormat when it is no JSON object with a `weight_map`
/// that gives each tensor, once, the plain name of a .safetensors file, so that no file outside the
/// folder is ever opened.
ShardIndex parse_shard_index(std::span<const std::byte> json, const std::string& name);

}  // namespace mw::io
