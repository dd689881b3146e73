// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/protocol.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "mw/core/error.h"

namespace mw::serve {
namespace {

static_assert(std::endian::native == std::endian::little, "messages are copied as they lie");

enum Type : uint8_t {
  kAction = 0x01,
  kAck = 0x02,
  kControl = 0x03,
  kSpeed = 0x04,
  kFrame = 0x81,
  kEvent = 0x82
};
constexpr size_t kActionBytes = 24, kAckBytes = 8, kControlBytes = 4, kSpeedBytes = 8;
constexpr uint8_t kKeyBits = (1 << action::kNumKeys) - 1;
constexpr uint16_t kJumpFlag = 1;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorCode::kFormat, "message: " + what);
}

/// Takes values off the front of bytes.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    if (bytes_.size() < sizeof(T)) fail("it ends too early");
    T value;
    std::memcpy(&value, bytes_.data(), sizeof(T));
    bytes_ = bytes_.subspan(sizeof(T));
    return value;
  }
  void zeros(int count) {
    while (count-- > 0) {
      if (take<uint8_t>() != 0) fail("reserved bytes must be 0");
    }
  }
  std::span<const std::byte> rest() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
};

class Writer {
 public:
  template <class T>
  Writer& put(T value) {
    const auto* data = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), data, data + sizeof(T));
    return *this;
  }
  Writer& zeros(size_t count) {
    bytes.resize(bytes.size() + count);
    return *this;
  }
  std::vector<std::byte> bytes;
};

action::Action keys_from(uint8_t bits) {
  if ((bits & ~kKeyBits) != 0) fail("keys has 7 bits");
  action::Action action;
  for (size_t i = 0; i < action.keys.size(); ++i) {
    action.keys[i] = static_cast<uint8_t>(bits >> i & 1);
  }
  return action;
}

uint8_t bits_of(const action::Action& action) {
  unsigned bits = 0;
  for (size_t i = 0; i < action.keys.size(); ++i) bits |= unsigned{action.keys[i]} << i;
  return static_cast<uint8_t>(bits);
}

void want_size(std::span<const std::byte> bytes, size_t size, const char* name) {
  if (bytes.size() != size) {
    fail(concat_message(name, " has ", size, " bytes, found ", bytes.size()));
  }
}

ActionMessage read_action(Reader in) {
  ActionMessage message;
  message.action = keys_from(in.take<uint8_t>());
  in.zeros(2);
  message.seq = in.take<uint32_t>();
  message.action.pitch = in.take<float>();
  message.action.yaw = in.take<float>();
  message.client_ms = in.take<double>();
  if (!std::isfinite(message.action.pitch) || !std::isfinite(message.action.yaw) ||
      !std::isfinite(message.client_ms)) {
    fail("numbers of an action must be finite");
  }
  return message;
}

}  // namespace

ClientMessage parse_client_message(std::span<const std::byte> bytes) {
  Reader in(bytes);
  switch (in.take<uint8_t>()) {
    case kAction:
      want_size(bytes, kActionBytes, "an action");
      return read_action(in);
    case kAck:
      want_size(bytes, kAckBytes, "an acknowledgement");
      in.zeros(3);
      return AckMessage{in.take<uint32_t>()};
    case kControl: {
      want_size(bytes, kControlBytes, "a control");
      const auto op = in.take<uint8_t>();
      if (op > 3) fail("control op must be 0 to 3");
      return ControlMessage{static_cast<ControlMessage::Op>(op), in.take<uint16_t>()};
    }
    case kSpeed: {
      want_size(bytes, kSpeedBytes, "a speed");
      in.zeros(3);
      const auto fps = in.take<float>();
      if (!std::isfinite(fps) || fps < 0) fail("fps must be 0 or more");
      return SpeedMessage{fps};
    }
    default:
      fail("unknown type");
  }
}

std::vector<std::byte> pack_client_message(const ClientMessage& message) {
  Writer out;
  if (const auto* action = std::get_if<ActionMessage>(&message)) {
    out.put<uint8_t>(kAction).put(bits_of(action->action)).zeros(2).put(action->seq);
    out.put(action->action.pitch).put(action->action.yaw).put(action->client_ms);
  } else if (const auto* ack = std::get_if<AckMessage>(&message)) {
    out.put<uint8_t>(kAck).zeros(3).put(ack->frame);
  } else if (const auto* control = std::get_if<ControlMessage>(&message)) {
    out.put<uint8_t>(kControl).put(static_cast<uint8_t>(control->op)).put(control->frames);
  } else {
    out.put<uint8_t>(kSpeed).zeros(3).put(std::get<SpeedMessage>(message).fps);
  }
  return out.bytes;
}

std::vector<std::byte> pack_frame(const FrameMessage& message) {
  Writer out;
  out.put<uint8_t>(kFrame).put(bits_of(message.action));
  out.put<uint16_t>(message.is_jump ? kJumpFlag : 0).put(message.frame).put(message.seq);
  out.put(message.action.pitch).put(message.action.yaw).put(message.client_ms);
  out.put(message.model_ms).put(message.queue_ms);
  out.put(static_cast<uint32_t>(message.jpeg.size()));
  out.bytes.insert(out.bytes.end(), message.jpeg.begin(), message.jpeg.end());
  return out.bytes;
}

FrameMessage parse_frame(std::span<const std::byte> bytes) {
  Reader in(bytes);
  if (in.take<uint8_t>() != kFrame) fail("wanted a frame");
  FrameMessage message;
  message.action = keys_from(in.take<uint8_t>());
  message.is_jump = (in.take<uint16_t>() & kJumpFlag) != 0;
  message.frame = in.take<uint32_t>();
  message.seq = in.take<uint32_t>();
  message.action.pitch = in.take<float>();
  message.action.yaw = in.take<float>();
  message.client_ms = in.take<double>();
  message.model_ms = in.take<float>();
  message.queue_ms = in.take<float>();
  if (in.take<uint32_t>() != in.rest().size()) fail("a frame's length is not what follows");
  message.jpeg.assign(in.rest().begin(), in.rest().end());
  return message;
}

std::vector<std::byte> pack_event(std::string_view json) {
  Writer out;
  out.put<uint8_t>(kEvent).zeros(3);
  const auto text = std::as_bytes(std::span(json));
  out.bytes.insert(out.bytes.end(), text.begin(), text.end());
  return out.bytes;
}

}  // namespace mw::serve
