// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/fake_backend.h"

#include <algorithm>
#include <cmath>

namespace mw::engine {

video::Image FakeBackend::start(const WorldStart& start) {
  place_ = {.seed = start.seed, .x = 0, .y = 0, .yaw = 0, .pitch = start.pitch};
  return draw();
}

video::Image FakeBackend::step(const action::Action& action) {
  using action::Key;
  const double side = action.is_pressed(Key::kD) - action.is_pressed(Key::kA);
  const double ahead = action.is_pressed(Key::kW) - action.is_pressed(Key::kS);
  place_.x += side;
  place_.y += ahead;
  place_.yaw += action.yaw;
  place_.pitch = std::clamp(place_.pitch + action.pitch, -90.0, 90.0);
  return draw();
}

SessionBackend::Snapshot FakeBackend::snapshot() const {
  return std::make_shared<const Place>(place_);
}

video::Image FakeBackend::restore(const Snapshot& snapshot) {
  place_ = *std::static_pointer_cast<const Place>(snapshot);
  return draw();
}

video::Image FakeBackend::draw() const {
  video::Image image = video::make_image(width_, height_);
  const double across = place_.x + place_.yaw / 2, down = place_.y - place_.pitch / 2;
  const double hue = static_cast<double>(place_.seed % 97);
  size_t i = 0;
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const double u = 0.3 * (x + across), v = 0.3 * (y + down);
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::sin(u + hue));
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::sin(v));
      image.rgb[i++] = static_cast<uint8_t>(128 + 100 * std::cos((u + v) / 2 + hue));
    }
  }
  return image;
}

}  // namespace mw::engine
