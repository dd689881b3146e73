// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/caption.h"

#include <array>
#include <cmath>
#include <random>
#include <string_view>

#include "mw/core/error.h"

namespace mw::collect {
namespace {

using Choices = std::vector<std::string>;

/// What the game calls the land, and how a person would.
Choices land_words(std::string_view biome) {
  struct Land {
    std::string_view part;  // Of the biome's name; the first that fits counts.
    Choices words;
  };
  static const std::array<Land, 13> kLands = {{
      {"snowy_grassland", {"a snowy plain", "a white, snow-covered field", "open land under snow"}},
      {"icesheet", {"an ice sheet", "a frozen white plain"}},
      {"cold_desert", {"a cold desert of pale sand", "a silvery sand plain"}},
      {"sandstone_desert", {"a sandstone desert", "a pale desert of sandstone"}},
      {"desert", {"a desert of orange sand", "a dry desert", "a sandy desert"}},
      {"savanna", {"a savanna with dry yellow grass", "a golden savanna", "dry grassland"}},
      {"dunes", {"sand dunes", "grassy dunes near the water"}},
      {"shore", {"a shore", "a beach near the water"}},
      {"beach", {"a beach", "a sandy coast"}},
      {"ocean", {"a coast", "a shore by the sea"}},
      {"coniferous", {"a pine wood", "land with conifers", "a clearing among pines"}},
      {"deciduous", {"an open wood of green trees", "a leafy forest", "a clearing in a forest"}},
      {"grassland", {"a green meadow", "an open grassland", "a grassy plain"}},
  }};
  for (const Land& land : kLands) {
    if (biome.find(land.part) != std::string_view::npos) {
      return land.words;
    }
  }
  return {"open land", "a blocky landscape"};
}

Choices light_words(double time_of_day) {
  if (time_of_day < 0.3) {
    return {"in the early morning", "at dawn", "in soft morning light"};
  }
  if (time_of_day > 0.7) {
    return {"in the evening", "at dusk", "in fading evening light"};
  }
  return {"on a bright day", "in daylight", "under a clear blue sky"};
}

/// Shares of the clip's frames in which the player does a thing.
struct Habits {
  double forward = 0, back = 0, strafe = 0, sprint = 0, sneak = 0, jump = 0;
  double turn = 0, nod = 0, still = 0;
  double yaw = 0;  // Sum of the turns, degrees, right positive.
};

Habits measure(const std::vector<data::FrameRow>& rows) {
  Habits habits;
  const double share = 1.0 / static_cast<double>(rows.size());
  for (const data::FrameRow& row : rows) {
    const action::Action& act = row.action;
    using action::Key;
    habits.forward += share * act.is_pressed(Key::kW);
    habits.back += share * act.is_pressed(Key::kS);
    habits.strafe += share * (act.is_pressed(Key::kA) || act.is_pressed(Key::kD));
    habits.sprint += share * act.is_pressed(Key::kCtrl);
    habits.sneak += share * act.is_pressed(Key::kShift);
    habits.jump += share * act.is_pressed(Key::kSpace);
    habits.turn += share * (act.yaw != 0);
    habits.nod += share * (act.pitch != 0);
    habits.still += share * (act == action::Action{});
    habits.yaw += act.yaw;
  }
  return habits;
}

Choices motion_words(const Habits& habits) {
  const std::string side = habits.yaw > 0 ? "right" : "left";
  if (habits.sprint > 0.3) {
    return {"running forward", "sprinting across the land"};
  }
  if (habits.sneak > 0.25) {
    return {"sneaking along slowly", "creeping forward"};
  }
  if (habits.forward > 0.35) {
    return std::abs(habits.yaw) > 40
               ? Choices{"walking on and turning " + side, "walking in a curve to the " + side}
               : Choices{"walking forward", "moving straight ahead"};
  }
  if (habits.back > 0.3) {
    return {"walking backwards", "stepping back"};
  }
  if (habits.strafe > 0.3) {
    return {"stepping sideways", "moving to the side"};
  }
  if (habits.turn > 0.3 && std::abs(habits.yaw) > 30) {
    return {"turning to the " + side, "looking around to the " + side};
  }
  if (habits.turn + habits.nod > 0.25) {
    return {"looking around", "glancing about"};
  }
  if (habits.still > 0.5) {
    return {"standing still", "pausing to watch"};
  }
  return {"exploring", "moving and looking about"};
}

}  // namespace

std::string make_caption(const std::vector<data::FrameRow>& rows, uint64_t seed) {
  MW_CHECK(!rows.empty(), "make_caption: no rows");
  std::mt19937_64 random(seed);
  const auto pick = [&random](const Choices& choices) {
    return choices[random() % choices.size()];
  };
  const data::FrameRow& middle = rows[rows.size() / 2];
  const std::string land = pick(land_words(middle.biome));
  const std::string light = pick(light_words(middle.time_of_day));
  const Habits habits = measure(rows);
  std::string motion = pick(motion_words(habits));
  if (habits.jump > 0.05) {
    motion += pick({" and jumping", ", with a jump", " and hopping over steps"});
  }
  switch (random() % 4) {
    case 0:
      return "First-person view of " + land + ' ' + light + ", " + motion + '.';
    case 1:
      return "A player in " + land + ' ' + light + ", " + motion + '.';
    case 2: {
      motion[0] = static_cast<char>(motion[0] - 'a' + 'A');
      return motion + " in " + land + ", " + light + '.';
    }
    default:
      return "A blocky world: " + land + ' ' + light + "; the camera is " + motion + '.';
  }
}

}  // namespace mw::collect
