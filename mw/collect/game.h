// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mw/collect/game_config.h"

namespace mw::collect {

/// What the game is told for one frame.
struct FrameInput {
  std::array<int, 7> keys{};  ///< W S A D Space Shift Ctrl, 0 or 1.
  int mouse_dx = 0;           ///< Pixels to the right; kDegreesPerPixel degrees each.
  int mouse_dy = 0;           ///< Pixels down.
};

/// What lies one step away in a direction.
enum class Obstacle { kFree = 0, kStep = 1, kWall = 2, kDrop = 3, kLiquid = 4, kUnknown = 5 };

/// The player after a frame, as the game's client has it. x east, y up, z north.
struct PlayerState {
  int64_t frame = 0;                 ///< Counts the client's steps since the start of the game.
  std::array<double, 3> position{};  ///< Feet, in nodes.
  std::array<double, 3> velocity{};  ///< In nodes per second.
  bool is_grounded = false;
  bool is_in_liquid = false;
  double camera_yaw = 0;           ///< Degrees clockwise from north, [0, 360).
  double camera_pitch = 0;         ///< Degrees, positive down.
  std::array<Obstacle, 8> near{};  ///< 0.8 nodes away: north first, clockwise.
  std::array<Obstacle, 8> far{};   ///< 2.2 nodes away.
};

/// A drawn frame as OpenGL gives it: bottom row first.
struct RawFrame {
  std::vector<uint8_t> color;          ///< [height, width, 3] RGB.
  std::vector<float> depth;            ///< [height, width] depth buffer in [0, 1].
  std::array<float, 16> projection{};  ///< Column major.
};

/// Where an episode starts.
struct Place {
  std::array<double, 3> position{};  ///< Feet.
  double yaw = 0;
  std::string biome;
};

/// The game in lock-step: time moves only when a frame is asked for. Owned by one thread. Every
/// function throws Error kIo when the game ended or no longer answers; start a new one then.
class Game {
 public:
  /// Starts a display of its own and the game on it, and waits until the player is in the world.
  /// Throws Error kIo, naming the Debian package, when a program is missing.
  explicit Game(const GameConfig& config);
  ~Game();

  /// Orders one frame of `num_frames` frames' game time. With `with_picture` it can be fetched
  /// from finish_frame.
  void begin_frame(const FrameInput& input, bool with_picture, int num_frames = 1);

  /// Waits for that frame, copies its picture into `frame` unless null, and returns the state
  /// after it.
  PlayerState finish_frame(RawFrame* frame);

  PlayerState step(const FrameInput& input, RawFrame* frame = nullptr) {
    begin_frame(input, frame != nullptr);
    return finish_frame(frame);
  }

  /// Lets the game run in real time, so that it can load the map around the player.
  void run_free(double seconds);

  /// Asks the world for an open place drawn from `seed`, at `time_of_day` in [0, 1] (0.5 is noon);
  /// nullopt when none was found.
  std::optional<Place> find_place(uint32_t seed, double time_of_day);

  /// Puts the player's feet at `position`, looking at `yaw` and `pitch` degrees.
  void go(const std::array<double, 3>& position, double yaw, double pitch);

  /// The biome that the player is in.
  const std::string& biome() const;

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace mw::collect
