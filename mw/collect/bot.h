// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <vector>

#include "mw/action/action_space.h"
#include "mw/collect/game.h"

namespace mw::collect {

/// What the bot sees before it decides.
struct BotView {
  double yaw = 0;    ///< Absolute, degrees clockwise from north.
  double pitch = 0;  ///< Absolute, degrees, positive down.
  double moved = 0;  ///< Over the ground in the last frame, in nodes.
  bool is_grounded = true;
  std::array<Obstacle, 8> near{};  ///< As in PlayerState.
  std::array<Obstacle, 8> far{};
};

constexpr double kHighestLook = -28;  ///< Absolute pitch stays between these, in degrees.
constexpr double kLowestLook = 32;

/// Draws kinds so that their shares of the frames approach given weights.
class Balance {
 public:
  explicit Balance(std::vector<double> weights);
  void count(size_t kind, double frames = 1);
  /// A kind, those that are furthest behind first, up to chance.
  size_t pick(std::mt19937_64& random) const;

 private:
  std::vector<double> weights_;  // Sum to one.
  std::vector<double> frames_;
  double total_ = 0;
};

/// Plays like a person who explores: stands, looks about, walks with every key and combination,
/// jumps at steps, turns away from walls and water. Equal seeds and views give equal actions.
class Bot {
 public:
  explicit Bot(uint64_t seed);

  /// Forgets the movement in progress. With `unlike`, the next one opens with another action.
  void start_clip(const std::optional<action::Action>& unlike = std::nullopt);

  /// The action of the next frame.
  action::Action next(const BotView& view);

  /// The action of a frame between two clips: brisk, away to new ground.
  action::Action wander(const BotView& view);

 private:
  enum class Motion { kStill, kLook, kWalk };

  /// One stretch of a constant intent.
  struct Segment {
    Motion motion = Motion::kStill;
    std::array<uint8_t, action::kNumKeys> keys{};
    double yaw_rate = 0, pitch_rate = 0;  // Degrees per frame.
    bool is_eased = false;                // The turn swells and fades as a hand's does.
    bool hops = false;                    // Jumps now and then with no need.
    int length = 0, done = 0;             // In frames.
    size_t kind = 0;                      // Within its motion.
  };

  Segment choose(const BotView& view);
  Segment choose_still();
  Segment choose_look(const BotView& view);
  std::optional<Segment> choose_walk(const BotView& view);
  Segment turn_away();
  action::Action play(Segment& segment, const BotView& view);
  void notice_obstacles(Segment& segment, const BotView& view, action::Action& action);
  void count(const action::Action& action);
  double uniform(double low, double high);
  int between(int low, int high);

  std::mt19937_64 random_;
  Balance motions_, looks_, walks_;
  std::optional<Segment> segment_;
  std::optional<action::Action> unlike_;
  int blocked_frames_ = 0;
  int jump_frames_ = 0;
  double wander_turn_ = 0;
};

/// What hinders a move with these keys at this yaw: the worse of what is near and far.
Obstacle obstacle_ahead(const std::array<uint8_t, action::kNumKeys>& keys, double yaw,
                        const std::array<Obstacle, 8>& around);

}  // namespace mw::collect
