// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>

#include "mw/action/action_space.h"
#include "mw/video/image.h"

namespace mw::engine {

/// Draws what the player does over finished frames: the seven keys along the lower edge, pressed
/// ones green, and a pointer with a short trail that wanders as the mouse turns the camera.
///
/// Laid out for 640x352 and scaled with the frame: below about 300 pixels labels are hard to read.
/// Measures on pixels must see frames without it. Owned by one thread.
class Overlay {
 public:
  /// Draws over `frame` the action that led into it. Frames of one size, in order.
  void draw(video::Image& frame, const action::Action& action);

 private:
  struct Point {
    double x = 0, y = 0;
  };
  std::deque<Point> trail_;  // Where the pointer was, newest last; in layout units.
};

/// How many times a frame of that width has to be enlarged until its overlay can be read.
int readable_scale(int width);

}  // namespace mw::engine
