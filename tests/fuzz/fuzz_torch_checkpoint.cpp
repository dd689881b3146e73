// SPDX-License-Identifier: Apache-2.0
// Bytes as an archive of torch.save, and as the pickle in one: every accepted tensor is readable.
#include <cstddef>
#include <cstdint>

#include "mw/core/error.h"
#include "mw/io/pickle.h"
#include "mw/io/safetensors_header.h"
#include "mw/io/torch_checkpoint.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

template <class Parse>
void parse(const Parse& function) {
  try {
    function();
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  parse([&] { mw::io::parse_pickle(bytes, "input"); });
  parse([&] {
    size_t copied = 0, sum = 0;
    const mw::io::CheckpointTensors found = mw::io::parse_torch_checkpoint(bytes, "input");
    for (const auto& [name, tensor] : found.tensors) {
      require(mw::io::tensor_bytes(tensor.dtype, tensor.shape) == tensor.data.size());
      for (const std::byte b : tensor.data) sum += static_cast<size_t>(b);
    }
    copied += found.copies.size();
    require(copied <= size && sum != ~size_t{0});
  });
  return 0;
}
