// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/protocol.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"

namespace mw::serve {
namespace {

std::vector<std::byte> bytes_of(std::initializer_list<int> values) {
  std::vector<std::byte> bytes;
  for (const int value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

ActionMessage some_action() {
  ActionMessage message;
  message.action.keys = {1, 0, 0, 1, 0, 0, 1};
  message.action.pitch = -1.5F;
  message.action.yaw = 270;  // Motion may be more than one frame turns.
  message.seq = 0x01020304;
  message.client_ms = 1234.5;
  return message;
}

TEST(ProtocolTest, ActionsLieAsDocumented) {
  const std::vector<std::byte> bytes = pack_client_message(some_action());
  ASSERT_EQ(bytes.size(), 24U);
  const std::vector<std::byte> head(bytes.begin(), bytes.begin() + 12);
  EXPECT_EQ(head, bytes_of({0x01, 0b1001001, 0, 0, 4, 3, 2, 1, 0, 0, 0xc0, 0xbf}));
  const auto back = std::get<ActionMessage>(parse_client_message(bytes));
  EXPECT_EQ(back.action, some_action().action);
  EXPECT_EQ(back.seq, 0x01020304U);
  EXPECT_EQ(back.client_ms, 1234.5);
}

TEST(ProtocolTest, OtherMessagesSurviveTheTrip) {
  EXPECT_EQ(std::get<AckMessage>(parse_client_message(pack_client_message(AckMessage{77}))).frame,
            77U);
  const auto control = std::get<ControlMessage>(
      parse_client_message(pack_client_message(ControlMessage{ControlMessage::Op::kUndo, 300})));
  EXPECT_EQ(control.op, ControlMessage::Op::kUndo);
  EXPECT_EQ(control.frames, 300);
  EXPECT_EQ(std::get<SpeedMessage>(parse_client_message(pack_client_message(SpeedMessage{8}))).fps,
            8);
}

TEST(ProtocolTest, FramesSurviveTheTrip) {
  FrameMessage frame;
  frame.action = some_action().action;
  frame.is_jump = true;
  frame.frame = 9;
  frame.seq = 5;
  frame.client_ms = 3.25;
  frame.model_ms = 40;
  frame.queue_ms = 7;
  frame.jpeg = bytes_of({0xff, 0xd8, 1});
  std::vector<std::byte> bytes = pack_frame(frame);
  ASSERT_EQ(bytes.size(), 43U);
  const FrameMessage back = parse_frame(bytes);
  EXPECT_EQ(back.action, frame.action);
  EXPECT_TRUE(back.is_jump);
  EXPECT_EQ(back.frame, 9U);
  EXPECT_EQ(back.seq, 5U);
  EXPECT_EQ(back.client_ms, 3.25);
  EXPECT_EQ(back.model_ms, 40);
  EXPECT_EQ(back.queue_ms, 7);
  EXPECT_EQ(back.jpeg, frame.jpeg);
  bytes.pop_back();
  EXPECT_ERROR(parse_frame(bytes), ErrorCode::kFormat, "length");
}

TEST(ProtocolTest, MalformedMessagesAreRefused) {
  const std::vector<std::byte> good = pack_client_message(some_action());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_ERROR(parse_client_message(std::span(good).first(size)), ErrorCode::kFormat, "message");
  }
  std::vector<std::byte> bad = good;
  bad.push_back(std::byte{0});
  EXPECT_ERROR(parse_client_message(bad), ErrorCode::kFormat, "has 24 bytes, found 25");
  bad = good;
  bad[1] = std::byte{0x80};
  EXPECT_ERROR(parse_client_message(bad), ErrorCode::kFormat, "7 bits");
  bad = good;
  bad[2] = std::byte{1};
  EXPECT_ERROR(parse_client_message(bad), ErrorCode::kFormat, "reserved");
  bad = good;
  bad[14] = std::byte{0x80};
  bad[15] = std::byte{0x7f};  // Infinity, or no number.
  EXPECT_ERROR(parse_client_message(bad), ErrorCode::kFormat, "finite");
  EXPECT_ERROR(parse_client_message(bytes_of({0x7f, 0, 0, 0})), ErrorCode::kFormat, "unknown type");
  EXPECT_ERROR(parse_client_message(bytes_of({3, 9, 0, 0})), ErrorCode::kFormat, "op");
  EXPECT_ERROR(parse_client_message(bytes_of({4, 0, 0, 0, 0, 0, 0x80, 0xbf})), ErrorCode::kFormat,
               "fps");
}

}  // namespace
}  // namespace mw::serve
