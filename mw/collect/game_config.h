// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace mw::collect {

/// One run of the game: a world and the size and pace of its picture.
struct GameConfig {
  int width = 352;  ///< Of the window, in pixels: twice the recorded frame.
  int height = 192;
  double fps = 16;
  uint64_t world_seed = 1;  ///< Of the map; also chooses how hilly it is.
};

constexpr double kDegreesPerPixel = 0.1;  ///< Of the mouse, at a field of view of 72 degrees.
constexpr double kFieldOfView = 72;       ///< Vertical, in degrees.
constexpr double kEyeHeight = 1.47;       ///< Above the feet, in nodes; set by Minetest Game.
constexpr double kWalkSpeed = 4;          ///< In nodes per second; the game's own.
constexpr double kSprintSpeed = 6;
constexpr double kSneakSpeed = 1.35;

/// Writes into `home` all that the game reads: settings (`home/game.conf`), a new world
/// (`home/world`) with the recorder's mod, and the client mod. Requests to the world's mod go to
/// `home/request`. Throws Error kIo.
void write_game_files(const GameConfig& config, const std::filesystem::path& home);

}  // namespace mw::collect
