// SPDX-License-Identifier: Apache-2.0
// Bytes as the key of a tensor in a LoRA file.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "mw/models/lora/lora_keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mw::lora;
  const std::string_view key(reinterpret_cast<const char*>(data), size);
  for (const bool is_diffusers : {false, true}) {
    const auto parsed = parse_key(key, is_diffusers);
    if (parsed && parsed->module.empty()) __builtin_trap();
  }
  if (is_of_text_encoder(key) && key.size() < 8) __builtin_trap();
  return 0;
}
