// SPDX-License-Identifier: Apache-2.0
// Bytes as the index of a sharded model: no accepted name leads out of the folder.
#include <cstddef>
#include <cstdint>

#include "mw/core/error.h"
#include "mw/io/shard_index.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  try {
    for (const auto& [file, tensors] :
         mw::io::parse_shard_index(std::as_bytes(std::span(data, size)), "input")) {
      require(file.ends_with(".safetensors") && file.find('/') == file.npos && file[0] != '.');
      require(!tensors.empty());
    }
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
  return 0;
}
