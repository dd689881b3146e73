// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "mw/core/error.h"

namespace mw::engine {
namespace {

// The layout of Micro-World's overlay, in pixels of a 640x352 frame.
constexpr double kWidth = 640, kHeight = 352;
constexpr double kMargin = 20, kGap = 6, kKey = 50, kWideKey = 90, kRadius = 10;
constexpr double kPointerPerYaw = 0.4, kPointerPerPitch = 1.6;
constexpr size_t kTrailLength = 16;

struct Colour {
  double r, g, b;
};
constexpr Colour kPressed{0, 255, 0}, kReleased{200, 200, 200}, kInk{0, 0, 0};
constexpr Colour kPointer{255, 255, 255}, kTrail{255, 210, 60};
constexpr double kPressedAlpha = 0.8, kReleasedAlpha = 0.5;

/// A key's cap: where it is and what is written on it.
struct Cap {
  action::Key key;
  std::string_view label;
  double x, y, width;  // Its left upper corner.
};

constexpr double kLowerRow = kHeight - kMargin - kKey, kUpperRow = kLowerRow - kGap - kKey;
constexpr double kRight = kWidth - kMargin;
constexpr std::array<Cap, action::kNumKeys> kCaps = {{
    {action::Key::kW, "W", kMargin + kKey + kGap, kUpperRow, kKey},
    {action::Key::kA, "A", kMargin, kLowerRow, kKey},
    {action::Key::kS, "S", kMargin + kKey + kGap, kLowerRow, kKey},
    {action::Key::kD, "D", kMargin + 2 * (kKey + kGap), kLowerRow, kKey},
    {action::Key::kSpace, "SPACE", kRight - 3 * kWideKey - 2 * kGap, kLowerRow, kWideKey},
    {action::Key::kShift, "SHIFT", kRight - 2 * kWideKey - kGap, kLowerRow, kWideKey},
    {action::Key::kCtrl, "CTRL", kRight - kWideKey, kLowerRow, kWideKey},
}};

/// The letters that caps need, 5 wide and 7 high; a row per number, its highest bit leftmost.
constexpr double kGlyphWidth = 5, kGlyphHeight = 7;
struct Glyph {
  char letter;
  std::array<uint8_t, 7> rows;
};
constexpr std::array<Glyph, 13> kGlyphs = {{
    {'A', {0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001}},
    {'C', {0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110}},
    {'D', {0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110}},
    {'E', {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111}},
    {'F', {0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000}},
    {'H', {0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001}},
    {'I', {0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110}},
    {'L', {0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111}},
    {'P', {0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000}},
    {'R', {0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001}},
    {'S', {0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110}},
    {'T', {0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100}},
    {'W', {0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001}},
}};

/// Blends shapes into a frame; coordinates are layout units.
class Canvas {
 public:
  explicit Canvas(video::Image& frame)
      : frame_(frame), scale_(std::min(frame.width / kWidth, frame.height / kHeight)) {}

  /// Fills where `distance(x, y)`, in layout units, is negative, with soft edges, within a box.
  template <class Distance>
  void fill(double left, double top, double right, double bottom, const Colour& colour,
            double alpha, const Distance& distance) {
    const int first_x = std::max(0, static_cast<int>(std::floor(to_x(left))) - 1);
    const int last_x = std::min(frame_.width - 1, static_cast<int>(std::ceil(to_x(right))) + 1);
    const int first_y = std::max(0, static_cast<int>(std::floor(to_y(top))) - 1);
    const int last_y = std::min(frame_.height - 1, static_cast<int>(std::ceil(to_y(bottom))) + 1);
    for (int y = first_y; y <= last_y; ++y) {
      for (int x = first_x; x <= last_x; ++x) {
        const double inside =
            0.5 - scale_ * distance(from_x(x + 0.5), from_y(y + 0.5));  // In pixels.
        const double share = alpha * std::clamp(inside, 0.0, 1.0);
        if (share > 0) blend(x, y, colour, share);
      }
    }
  }

  void rounded_box(double x, double y, double width, double height, const Colour& colour,
                   double alpha) {
    const double cx = x + width / 2, cy = y + height / 2;
    fill(x, y, x + width, y + height, colour, alpha, [=](double px, double py) {
      const double dx = std::abs(px - cx) - width / 2 + kRadius;
      const double dy = std::abs(py - cy) - height / 2 + kRadius;
      return std::hypot(std::max(dx, 0.0), std::max(dy, 0.0)) + std::min(std::max(dx, dy), 0.0) -
             kRadius;
    });
  }

  void disc(double x, double y, double radius, const Colour& colour, double alpha) {
    fill(x - radius, y - radius, x + radius, y + radius, colour, alpha,
         [=](double px, double py) { return std::hypot(px - x, py - y) - radius; });
  }

  /// `text` centred at x, y; `dot`: size of one dot of a glyph.
  void label(std::string_view text, double x, double y, double dot) {
    const double advance = (kGlyphWidth + 1) * dot;
    double left = x - (advance * static_cast<double>(text.size()) - dot) / 2;
    const double top = y - kGlyphHeight * dot / 2;
    for (const char letter : text) {
      const auto* glyph = std::find_if(kGlyphs.begin(), kGlyphs.end(),
                                       [&](const Glyph& g) { return g.letter == letter; });
      MW_DCHECK(glyph != kGlyphs.end(), "overlay: no glyph for ", letter);
      const auto is_inked = [&](double px, double py) {
        const double column = std::floor((px - left) / dot), row = std::floor((py - top) / dot);
        const bool is_on_glyph =
            column >= 0 && column < kGlyphWidth && row >= 0 && row < kGlyphHeight;
        return is_on_glyph &&
               (glyph->rows[static_cast<size_t>(row)] >> (4 - static_cast<int>(column)) & 1) != 0;
      };
      fill(left, top, left + kGlyphWidth * dot, top + kGlyphHeight * dot, kInk, 1,
           [&](double px, double py) { return is_inked(px, py) ? -kWidth : kWidth; });
      left += advance;
    }
  }

 private:
  // The layout's box lies at the middle of the frame's lower edge.
  double to_x(double x) const { return frame_.width / 2.0 + (x - kWidth / 2) * scale_; }
  double to_y(double y) const { return frame_.height + (y - kHeight) * scale_; }
  double from_x(double x) const { return (x - frame_.width / 2.0) / scale_ + kWidth / 2; }
  double from_y(double y) const { return (y - frame_.height) / scale_ + kHeight; }

  void blend(int x, int y, const Colour& colour, double share) {
    uint8_t* pixel = &frame_.rgb[3 * (static_cast<size_t>(y) * static_cast<size_t>(frame_.width) +
                                      static_cast<size_t>(x))];
    const std::array<double, 3> wanted = {colour.r, colour.g, colour.b};
    for (size_t c = 0; c < 3; ++c) {
      pixel[c] = static_cast<uint8_t>(std::lround(pixel[c] * (1 - share) + wanted[c] * share));
    }
  }

  video::Image& frame_;
  double scale_;
};

/// The pointer: an arrow whose tip is at x, y.
void draw_pointer(Canvas& canvas, double x, double y) {
  // Half-planes of a triangle: the left edge, the upper right edge and the lower edge.
  const auto arrow = [=](double margin) {
    return [=](double px, double py) {
      const double dx = px - x, dy = py - y;
      const double left = -dx * 0.96 - dy * 0.05;
      const double right = (dx - dy) * 0.7071;
      const double lower = (0.45 * dx + dy - 24) * 0.912;
      return std::max({left, right, lower}) - margin;
    };
  };
  canvas.fill(x - 4, y - 4, x + 24, y + 30, kInk, 0.9, arrow(2));
  canvas.fill(x - 4, y - 4, x + 24, y + 30, kPointer, 1, arrow(0));
}

}  // namespace

void Overlay::draw(video::Image& frame, const action::Action& action) {
  video::check_image(frame, "overlay");
  const Point last = trail_.empty() ? Point{kWidth / 2, kHeight / 2} : trail_.back();
  const double x = last.x + kPointerPerYaw * static_cast<double>(action.yaw);
  const double y = last.y + kPointerPerPitch * static_cast<double>(action.pitch);
  trail_.push_back({std::clamp(x, 0.0, kWidth), std::clamp(y, 0.0, kHeight)});
  if (trail_.size() > kTrailLength) trail_.pop_front();

  Canvas canvas(frame);
  for (const Cap& cap : kCaps) {
    const bool is_pressed = action.is_pressed(cap.key);
    canvas.rounded_box(cap.x, cap.y, cap.width, kKey, is_pressed ? kPressed : kReleased,
                       is_pressed ? kPressedAlpha : kReleasedAlpha);
    canvas.label(cap.label, cap.x + cap.width / 2, cap.y + kKey / 2,
                 cap.label.size() == 1 ? 3.5 : 2.4);
  }
  for (size_t i = 0; i + 1 < trail_.size(); ++i) {
    const double age = static_cast<double>(i + 1) / static_cast<double>(trail_.size());
    canvas.disc(trail_[i].x, trail_[i].y, 1.5 + 2 * age, kTrail, 0.6 * age);
  }
  draw_pointer(canvas, trail_.back().x, trail_.back().y);
}

int readable_scale(int width) {
  constexpr int kReadableWidth = 480;
  return width >= kReadableWidth ? 1 : (kReadableWidth + width - 1) / width;
}

}  // namespace mw::engine
