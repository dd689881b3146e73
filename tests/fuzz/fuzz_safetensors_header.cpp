// SPDX-License-Identifier: Apache-2.0
// Bytes as the start of a safetensors file. The last two say how many data bytes follow it.
#include <cstddef>
#include <cstdint>
#include <span>

#include "mw/core/error.h"
#include "mw/io/safetensors_header.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint64_t num_data_bytes = data[size - 2] | data[size - 1] << 8;
  const auto file_start = std::as_bytes(std::span(data, size - 2));
  const uint64_t file_size = file_start.size() + num_data_bytes;
  try {
    const auto header = mw::io::parse_safetensors_header(file_start, file_size, "input");
    uint64_t covered = header.data_start;
    for (const auto& [name, tensor] : header.tensors) {
      require(tensor.begin <= tensor.end && header.data_start + tensor.end <= file_size);
      require(mw::io::tensor_bytes(tensor.dtype, tensor.shape) == tensor.end - tensor.begin);
      covered += tensor.end - tensor.begin;
    }
    require(covered == file_size);  // With no overlap, every data byte belongs to one tensor.
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
  return 0;
}
