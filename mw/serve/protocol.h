// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "mw/action/action_space.h"

namespace mw::serve {

// The binary messages of a stream, little-endian, first byte = type; see docs/protocol.md.

/// Keys as they are and mouse motion since the message before.
struct ActionMessage {
  action::Action action;  ///< Turns are finite; they may be larger than one frame's.
  uint32_t seq = 0;
  double client_ms = 0;
};
/// The newest frame that was shown.
struct AckMessage {
  uint32_t frame = 0;
};
struct ControlMessage {
  enum class Op : uint8_t { kPause, kResume, kReset, kUndo };
  Op op = Op::kPause;
  uint16_t frames = 0;  ///< Of an undo.
};
struct SpeedMessage {
  float fps = 0;  ///< Finite, 0 or more; 0 = the model's own.
};
using ClientMessage = std::variant<ActionMessage, AckMessage, ControlMessage, SpeedMessage>;

/// Largest message that a client may send.
inline constexpr size_t kMaxClientBytes = 64;

/// Throws Error kFormat, saying what was wanted, for bytes that are no message.
ClientMessage parse_client_message(std::span<const std::byte> bytes);
/// The message as a client sends it.
std::vector<std::byte> pack_client_message(const ClientMessage& message);

/// A frame as it goes to the client.
struct FrameMessage {
  action::Action action;
  bool is_jump = false;
  uint32_t frame = 0, seq = 0;
  double client_ms = 0;
  float model_ms = 0, queue_ms = 0;
  std::vector<std::byte> jpeg;
};
std::vector<std::byte> pack_frame(const FrameMessage& message);
/// For clients. Throws Error kFormat.
FrameMessage parse_frame(std::span<const std::byte> bytes);

/// json: one JSON object with "event".
std::vector<std::byte> pack_event(std::string_view json);

}  // namespace mw::serve
