// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

/// What the recorder and the library that is preloaded into the game share: one memory-mapped page
/// range, the recorder's side named by the environment variable `MW_LOCKSTEP`. The recorder writes
/// an order and raises `order_seq`; the library carries it out and raises `done_seq` to the same
/// number. Each waits for the other on a futex.
namespace mw::lockstep {

constexpr uint32_t kMagic = 0x6d774c53;      ///< Both sides were built from this layout.
constexpr int32_t kMaxPixels = 2048 * 1152;  ///< Largest window that can be read back.

/// What the library does until its next swap of buffers.
enum class Command : uint32_t {
  kRun = 0,    ///< Leave lock-step: real time, throttled, nothing read back.
  kSkip = 1,   ///< One frame of game time, not read back.
  kFrame = 2,  ///< One frame of game time, colour and depth read back.
};

/// Keys by bit, in the order of the action row: W S A D Space Shift Ctrl.
constexpr int kNumKeys = 7;

struct SharedState {
  uint32_t magic;
  int32_t width, height;  ///< Of the window, in pixels.
  int64_t order_ns;       ///< Game time of the ordered frame.
  std::atomic<uint32_t> order_seq, done_seq;
  Command command;
  uint32_t keys;                   ///< Bit mask of keys held during the frame.
  int32_t mouse_dx, mouse_dy;      ///< Pointer motion of the frame, in pixels, right and down.
  std::atomic<uint32_t> swaps;     ///< Swaps so far in any mode: a sign of life.
  std::atomic<uint32_t> has_keys;  ///< The library knows the window and can send keys.
  float projection[16];            ///< Last perspective matrix, column major as OpenGL has it.
  uint8_t color[kMaxPixels * 3];   ///< RGB, bottom row first.
  float depth[kMaxPixels];         ///< Depth buffer in [0, 1], bottom row first.
};

}  // namespace mw::lockstep
