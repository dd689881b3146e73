// SPDX-License-Identifier: Apache-2.0
// Bytes as a message of a stream, from either side.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "mw/core/error.h"
#include "mw/serve/protocol.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace mw::serve;
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    const std::vector<std::byte> again = pack_client_message(parse_client_message(bytes));
    require(std::equal(bytes.begin(), bytes.end(), again.begin(), again.end()));
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
  try {
    const FrameMessage frame = parse_frame(bytes);
    require(pack_frame(frame).size() == size);
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
  return 0;
}
