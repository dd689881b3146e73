// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/bot.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "mw/core/error.h"

namespace mw::collect {
namespace {

using action::Action;
using action::Key;

constexpr double kQuantum = kDegreesPerPixel;  // Turns are whole pixels of the mouse.
constexpr double kPatience = 8;                // Frames, half a second, before a wall is one.
constexpr int kJumpFrames = 3;                 // How long Space is held for one jump.
constexpr double kRestlessness = 20;           // Frames of luck against the balance.

// The looks, and which share of the looking frames each gets. Yaw counts for more: a person turns
// more than he nods.
enum Look : size_t { kLeft, kRight, kUp, kDown };
const std::vector<double> kLookWeights = {0.32, 0.32, 0.18, 0.18};

/// A way to walk: keys W S A D Space Shift Ctrl, whether it turns, and its share.
struct Walk {
  std::array<uint8_t, action::kNumKeys> keys;
  int turn;   // -1 left, 1 right, 0 straight on.
  bool nods;  // Looks up or down on the way.
  bool hops;
  double weight;
};
constexpr std::array<Walk, 22> kWalks = {{
    {{1, 0, 0, 0, 0, 0, 0}, 0, false, false, 0.20},   // W
    {{0, 1, 0, 0, 0, 0, 0}, 0, false, false, 0.09},   // S
    {{0, 0, 1, 0, 0, 0, 0}, 0, false, false, 0.085},  // A
    {{0, 0, 0, 1, 0, 0, 0}, 0, false, false, 0.085},  // D
    {{1, 0, 0, 0, 0, 0, 0}, -1, false, false, 0.08},  // W and a turn
    {{1, 0, 0, 0, 0, 0, 0}, 1, false, false, 0.08},
    {{1, 0, 1, 0, 0, 0, 0}, 0, false, false, 0.04},  // diagonals
    {{1, 0, 0, 1, 0, 0, 0}, 0, false, false, 0.04},
    {{0, 1, 1, 0, 0, 0, 0}, 0, false, false, 0.015},
    {{0, 1, 0, 1, 0, 0, 0}, 0, false, false, 0.015},
    {{0, 0, 1, 0, 0, 0, 0}, 1, false, false, 0.015},  // round something
    {{0, 0, 0, 1, 0, 0, 0}, -1, false, false, 0.015},
    {{1, 0, 0, 0, 0, 0, 1}, 0, false, false, 0.07},  // sprint
    {{1, 0, 0, 0, 0, 0, 1}, -1, false, false, 0.025},
    {{1, 0, 0, 0, 0, 0, 1}, 1, false, false, 0.025},
    {{1, 0, 0, 0, 0, 1, 0}, 0, false, false, 0.03},  // sneak
    {{0, 1, 0, 0, 0, 1, 0}, 0, false, false, 0.01},
    {{0, 0, 1, 0, 0, 1, 0}, 0, false, false, 0.005},
    {{0, 0, 0, 1, 0, 1, 0}, 0, false, false, 0.005},
    {{1, 0, 0, 0, 0, 0, 0}, 0, true, false, 0.03},   // W and a nod
    {{1, 0, 0, 0, 0, 0, 0}, 0, false, true, 0.025},  // W and hops
    {{0, 0, 0, 0, 0, 0, 0}, 0, false, true, 0.015},  // hops on the spot
}};

std::vector<double> walk_weights() {
  std::vector<double> weights;
  weights.reserve(kWalks.size());
  for (const Walk& walk : kWalks) {
    weights.push_back(walk.weight);
  }
  return weights;
}

double quantised(double degrees) { return std::round(degrees / kQuantum) * kQuantum; }

bool is_hopeless(Obstacle obstacle) {
  return obstacle != Obstacle::kFree && obstacle != Obstacle::kStep;
}

uint8_t& key(std::array<uint8_t, action::kNumKeys>& keys, Key which) {
  return keys[static_cast<size_t>(which)];
}

}  // namespace

Balance::Balance(std::vector<double> weights) : weights_(std::move(weights)) {
  double sum = 0;
  for (const double weight : weights_) {
    MW_CHECK(weight >= 0, "Balance: weight ", weight, " is negative");
    sum += weight;
  }
  MW_CHECK(sum > 0, "Balance: no weights");
  for (double& weight : weights_) {
    weight /= sum;
  }
  frames_.assign(weights_.size(), 0);
}

void Balance::count(size_t kind, double frames) {
  frames_.at(kind) += frames;
  total_ += frames;
}

size_t Balance::pick(std::mt19937_64& random) const {
  std::uniform_real_distribution<double> luck(0, kRestlessness);
  size_t best = 0;
  double best_score = -1e300;
  for (size_t kind = 0; kind < weights_.size(); ++kind) {
    const double score = weights_[kind] * total_ - frames_[kind] + luck(random);
    if (weights_[kind] > 0 && score > best_score) {
      best = kind;
      best_score = score;
    }
  }
  return best;
}

Obstacle obstacle_ahead(const std::array<uint8_t, action::kNumKeys>& keys, double yaw,
                        const std::array<Obstacle, 8>& around) {
  const int ahead = keys[0] - keys[1];
  const int right = keys[3] - keys[2];
  if (ahead == 0 && right == 0) {
    return Obstacle::kFree;
  }
  const double heading = yaw + std::atan2(right, ahead) * 180 / std::numbers::pi;
  const double eighth = std::fmod(std::fmod(heading / 45, 8) + 8, 8);
  return around[static_cast<size_t>(std::lround(eighth)) % 8];
}

Bot::Bot(uint64_t seed)
    : random_(seed), motions_({0.15, 0.30, 0.55}), looks_(kLookWeights), walks_(walk_weights()) {}

double Bot::uniform(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random_);
}

int Bot::between(int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(random_);
}

void Bot::start_clip(const std::optional<Action>& unlike) {
  segment_.reset();
  unlike_ = unlike;
  blocked_frames_ = 0;
  jump_frames_ = 0;
}

Bot::Segment Bot::choose_still() {
  Segment segment;
  segment.length = between(4, 22);
  return segment;
}

Bot::Segment Bot::choose_look(const BotView& view) {
  Segment segment;
  segment.motion = Motion::kLook;
  segment.kind = looks_.pick(random_);
  segment.is_eased = between(0, 3) == 0;
  if (segment.kind == kLeft || segment.kind == kRight) {
    const double rate = quantised(std::exp(uniform(0, std::log(6.0))));  // 1 to 6, slow ones too.
    segment.yaw_rate = segment.kind == kLeft ? -rate : rate;
    segment.length = std::min(between(4, 32), static_cast<int>(200 / rate));
    return segment;
  }
  // Up or down to somewhere between here and the end of the range.
  const double up_room = view.pitch - kHighestLook, down_room = kLowestLook - view.pitch;
  if ((segment.kind == kUp ? up_room : down_room) < 6) {
    segment.kind = segment.kind == kUp ? kDown : kUp;
  }
  const double room = segment.kind == kUp ? up_room : down_room;
  const double rate = quantised(std::exp(uniform(std::log(0.7), std::log(3.0))));
  segment.pitch_rate = segment.kind == kUp ? -rate : rate;
  segment.length = std::clamp(static_cast<int>(uniform(0.4, 1) * room / rate), 1, between(4, 32));
  return segment;
}

std::optional<Bot::Segment> Bot::choose_walk(const BotView& view) {
  for (int attempt = 0; attempt < 8; ++attempt) {
    Segment segment;
    segment.motion = Motion::kWalk;
    segment.kind = walks_.pick(random_);
    const Walk& walk = kWalks[segment.kind];
    segment.keys = walk.keys;
    segment.hops = walk.hops;
    segment.length = between(8, 44);
    if (walk.turn != 0) {
      segment.yaw_rate = walk.turn * quantised(std::exp(uniform(0, std::log(4.5))));
      segment.length = std::min(segment.length, static_cast<int>(160 / std::abs(segment.yaw_rate)));
    }
    if (walk.nods) {
      const bool is_up = view.pitch > uniform(-10, 15);
      segment.pitch_rate = (is_up ? -1 : 1) * quantised(uniform(0.7, 2));
    }
    if (!is_hopeless(obstacle_ahead(segment.keys, view.yaw, view.near)) &&
        !is_hopeless(obstacle_ahead(segment.keys, view.yaw, view.far))) {
      return segment;
    }
  }
  return std::nullopt;
}

Bot::Segment Bot::turn_away() {
  Segment segment;
  segment.motion = Motion::kLook;
  const double rate = quantised(uniform(2.5, 6));
  segment.kind = between(0, 1) == 0 ? kLeft : kRight;
  segment.yaw_rate = segment.kind == kLeft ? -rate : rate;
  segment.length = static_cast<int>(uniform(50, 150) / rate);
  return segment;
}

Bot::Segment Bot::choose(const BotView& view) {
  switch (static_cast<Motion>(motions_.pick(random_))) {
    case Motion::kStill:
      return choose_still();
    case Motion::kLook:
      return choose_look(view);
    case Motion::kWalk:
      break;
  }
  return choose_walk(view).value_or(turn_away());
}

void Bot::notice_obstacles(Segment& segment, const BotView& view, Action& action) {
  const Obstacle near = obstacle_ahead(segment.keys, view.yaw, view.near);
  const Obstacle far = obstacle_ahead(segment.keys, view.yaw, view.far);
  if (near == Obstacle::kStep && view.is_grounded && jump_frames_ == 0) {
    jump_frames_ = kJumpFrames;
  }
  const bool wants_to_move =
      obstacle_ahead(segment.keys, 0, {}) == Obstacle::kFree &&
      (segment.keys[0] + segment.keys[1] + segment.keys[2] + segment.keys[3]);
  if (!wants_to_move || view.moved >= 0.04) {
    blocked_frames_ = 0;
  } else if (segment.done > 2) {  // The first frames of a walk are slow.
    ++blocked_frames_;
  }
  const bool is_dangerous = near == Obstacle::kDrop || near == Obstacle::kLiquid ||
                            far == Obstacle::kDrop || far == Obstacle::kLiquid ||
                            near == Obstacle::kUnknown;
  if (is_dangerous || blocked_frames_ >= kPatience) {
    segment = turn_away();
    action = Action{};
    jump_frames_ = 0;
    blocked_frames_ = 0;
  }
}

Action Bot::play(Segment& segment, const BotView& view) {
  Action action;
  notice_obstacles(segment, view, action);
  action.keys = segment.keys;
  // A hand's turn: a raised cosine over the stretch, with the same mean.
  const double swell =
      segment.is_eased ? 1 - std::cos(2 * std::numbers::pi * (segment.done + 0.5) / segment.length)
                       : 1;
  action.yaw = static_cast<float>(quantised(segment.yaw_rate * swell));
  const double pitch = quantised(
      std::clamp(view.pitch + segment.pitch_rate * swell, kHighestLook, kLowestLook) - view.pitch);
  action.pitch = static_cast<float>(std::abs(pitch) > 3.05 ? std::copysign(3.0, pitch) : pitch);
  action.yaw = std::clamp(action.yaw, -6.0F, 6.0F);
  if (segment.hops && view.is_grounded && jump_frames_ == 0 && segment.done % 12 == 2) {
    jump_frames_ = kJumpFrames;
  }
  if (jump_frames_ > 0) {  // One of Space, Shift and Ctrl at a time.
    --jump_frames_;
    key(action.keys, Key::kSpace) = 1;
    key(action.keys, Key::kShift) = key(action.keys, Key::kCtrl) = 0;
  }
  ++segment.done;
  return action;
}

void Bot::count(const Action& action) {
  bool has_keys = false;
  for (const uint8_t held : action.keys) {
    has_keys = has_keys || held != 0;
  }
  if (has_keys) {
    motions_.count(static_cast<size_t>(Motion::kWalk));
  } else if (action.yaw != 0 || action.pitch != 0) {
    motions_.count(static_cast<size_t>(Motion::kLook));
    looks_.count(action.yaw < 0 ? kLeft : action.yaw > 0 ? kRight : action.pitch < 0 ? kUp : kDown);
  } else {
    motions_.count(static_cast<size_t>(Motion::kStill));
  }
  if (segment_->motion == Motion::kWalk) {
    walks_.count(segment_->kind);
  }
}

Action Bot::next(const BotView& view) {
  if (!segment_ || segment_->done >= segment_->length) {
    segment_ = choose(view);
  }
  Action action = play(*segment_, view);
  for (int attempt = 0; unlike_ && action == *unlike_ && attempt < 20; ++attempt) {
    segment_ = choose(view);
    action = play(*segment_, view);
  }
  unlike_.reset();
  count(action);
  return action;
}

Action Bot::wander(const BotView& view) {
  Action action;
  if (jump_frames_ > 0) {
    --jump_frames_;
    key(action.keys, Key::kSpace) = 1;
  }
  key(action.keys, Key::kW) = 1;
  key(action.keys, Key::kCtrl) = action.is_pressed(Key::kSpace) ? 0 : 1;
  const Obstacle near = obstacle_ahead(action.keys, view.yaw, view.near);
  const Obstacle far = obstacle_ahead(action.keys, view.yaw, view.far);
  if (near == Obstacle::kStep && view.is_grounded && jump_frames_ == 0) {
    jump_frames_ = kJumpFrames;
  }
  blocked_frames_ = view.moved < 0.04 ? blocked_frames_ + 1 : 0;
  if (is_hopeless(near) || is_hopeless(far) || blocked_frames_ > kPatience) {
    if (wander_turn_ == 0) {
      wander_turn_ = between(0, 1) == 0 ? -15 : 15;
    }
    action.keys = {};
    action.yaw = static_cast<float>(wander_turn_);
  } else {
    wander_turn_ = 0;
  }
  // Back to a natural view.
  if (view.pitch < -8 || view.pitch > 14) {
    action.pitch = view.pitch > 0 ? -2.0F : 2.0F;
  }
  return action;
}

}  // namespace mw::collect
