// SPDX-License-Identifier: Apache-2.0
// Bytes as a GGUF file: what is accepted lies within them, and its blocks can be dequantised.
#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "mw/core/error.h"
#include "mw/io/gguf.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto file = std::as_bytes(std::span(data, size));
  try {
    const mw::io::GgufFile gguf = mw::io::parse_gguf(file, "input");
    size_t total = 0;
    for (const auto& [name, tensor] : gguf.tensors) {
      total += tensor.data.size();
      if (tensor.data.empty()) continue;
      require(tensor.data.data() >= file.data() &&
              tensor.data.data() + tensor.data.size() <= file.data() + file.size());
      if (const auto* type = std::get_if<mw::io::BlockType>(&tensor.type)) {
        const size_t num_blocks = tensor.data.size() / mw::io::bytes_of(*type);
        std::vector<float> values(num_blocks * mw::io::elements_of(*type));
        mw::io::dequantize(*type, tensor.data, values);
      }
    }
    require(total <= size);  // Tensors don't overlap.
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
  return 0;
}
