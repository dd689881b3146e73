// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "mw/engine/session_backend.h"

namespace mw::engine {

/// A world without weights: coloured stripes that the player walks and turns over. Equal starts and
/// actions give equal frames. It answers in microseconds, for tests and for a first try.
class FakeBackend : public SessionBackend {
 public:
  explicit FakeBackend(int width = 48, int height = 32, double fps = 16)
      : width_(width), height_(height), fps_(fps) {}

  video::Image start(const WorldStart& start) override;
  video::Image step(const action::Action& action) override;
  Snapshot snapshot() const override;
  video::Image restore(const Snapshot& snapshot) override;
  Pose pose() const override {
    return {.pitch = place_.pitch, .yaw = place_.yaw, .position = {place_.x, 0, place_.y}};
  }
  int width() const override { return width_; }
  int height() const override { return height_; }
  double fps() const override { return fps_; }
  bool reads_captions() const override { return true; }

 private:
  struct Place {
    uint64_t seed = 0;
    double x = 0, y = 0, yaw = 0, pitch = 0;
  };
  video::Image draw() const;

  int width_, height_;
  double fps_;
  Place place_;
};

}  // namespace mw::engine
