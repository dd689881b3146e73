// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/overlay.h"

#include <gtest/gtest.h>

#include <array>

#include "tests/support/pictures.h"

namespace mw::engine {
namespace {

std::array<int, 3> pixel(const video::Image& image, int x, int y) {
  const size_t i =
      3 * (static_cast<size_t>(y) * static_cast<size_t>(image.width) + static_cast<size_t>(x));
  return {image.rgb[i], image.rgb[i + 1], image.rgb[i + 2]};
}

TEST(OverlayTest, PressedKeysAreGreenAndTheOthersGrey) {
  action::Action action;
  action.keys[static_cast<size_t>(action::Key::kW)] = 1;
  action.keys[static_cast<size_t>(action::Key::kCtrl)] = 1;
  video::Image frame = video::make_image(640, 352);
  Overlay().draw(frame, action);
  const std::array<int, 3> green = {0, 204, 0}, grey = {100, 100, 100};  // Over black.
  EXPECT_EQ(pixel(frame, 80, 250 - 15 + 4), green);                      // W, above S.
  EXPECT_EQ(pixel(frame, 82, 286), grey);                                // S.
  EXPECT_EQ(pixel(frame, 30, 286), grey);                                // A.
  EXPECT_EQ(pixel(frame, 540, 290), green);                              // Ctrl, rightmost.
  EXPECT_EQ(pixel(frame, 445, 290), grey);                               // Shift.
  EXPECT_EQ(pixel(frame, 5, 5), (std::array<int, 3>{0, 0, 0}));
}

TEST(OverlayTest, ThePointerFollowsTheMouse) {
  action::Action turn;
  turn.yaw = 50;     // 20 pixels to the right.
  turn.pitch = -25;  // 40 pixels up.
  video::Image frame = video::make_image(640, 352);
  Overlay overlay;
  overlay.draw(frame, {});
  EXPECT_EQ(pixel(frame, 322, 182)[2], 255);  // White, below the tip at the centre.
  frame = video::make_image(640, 352);
  overlay.draw(frame, turn);
  EXPECT_EQ(pixel(frame, 342, 142)[2], 255);
  EXPECT_GT(pixel(frame, 320, 176)[0], 50);  // The trail.
}

TEST(OverlayTest, ScalesWithTheFrame) {
  action::Action action;
  action.keys.fill(1);
  for (const auto& [width, height] : {std::pair(1280, 704), {320, 176}, {176, 96}, {96, 96}}) {
    video::Image frame = video::make_image(width, height);
    Overlay().draw(frame, action);
    int64_t num_green = 0;
    for (size_t i = 0; i < frame.rgb.size(); i += 3) {
      num_green += frame.rgb[i + 1] > 150 && frame.rgb[i] < 60 ? 1 : 0;
    }
    const double scale = std::min(width / 640.0, height / 352.0);
    const double caps = (4 * 50 * 50 + 3 * 90 * 50) * scale * scale;
    EXPECT_GT(static_cast<double>(num_green), 0.7 * caps) << width;
    EXPECT_LT(static_cast<double>(num_green), caps) << width;
  }
}

}  // namespace
}  // namespace mw::engine
