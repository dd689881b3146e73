// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mw/io/block_type.h"
#include "mw/io/dtype.h"

namespace mw::io {

/// What the head of a GGUF file says, checked against the size of the file.
struct GgufFile {
  struct Tensor {
    std::variant<DType, BlockType> type;
    std::vector<int64_t> shape;  ///< Slowest axis first, as everywhere but in the file itself.
    std::span<const std::byte> data;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;  ///< Text and whole numbers; lists are left out.
};

/// Parses a GGUF file of version 2 or 3.
///
/// file: the whole file, which must outlive the views. name: what messages call it. A tensor whose
/// true shape is noted under `comfy.gguf.orig_shape.<name>` gets that shape.
/// Throws Error kFormat when anything is not sound: counts and lengths past the end, names given
/// twice, types this program does not read, rows that are no whole blocks, data that overlap.
/// Source: the format's description in github.com/ggml-org/ggml, docs/gguf.md.
GgufFile parse_gguf(std::span<const std::byte> file, const std::string& name);

}  // namespace mw::io
