// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/bot.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace mw::collect {
namespace {

using action::Action;
using action::Key;

/// A long run of clips on a plain without end, or with `around` on every side.
std::vector<Action> play(uint64_t seed, int num_clips, Obstacle around = Obstacle::kFree) {
  Bot bot(seed);
  std::vector<Action> actions;
  BotView view;
  view.near.fill(around);
  view.far.fill(around);
  for (int clip = 0; clip < num_clips; ++clip) {
    bot.start_clip();
    for (int k = 1; k < 81; ++k) {
      const Action action = bot.next(view);
      actions.push_back(action);
      view.yaw = std::fmod(view.yaw + action.yaw + 360, 360);
      view.pitch += action.pitch;
      const bool moves = action.keys[0] != action.keys[1] || action.keys[2] != action.keys[3];
      view.moved = moves && around == Obstacle::kFree ? 0.25 : 0;
      EXPECT_GE(view.pitch, kHighestLook - 0.11);
      EXPECT_LE(view.pitch, kLowestLook + 0.11);
    }
  }
  return actions;
}

std::string motion_of(const Action& action) {
  for (const uint8_t held : action.keys) {
    if (held != 0) return "walk";
  }
  return action.yaw != 0 || action.pitch != 0 ? "look" : "still";
}

TEST(BotTest, StandsLooksAndWalksInTheWantedShares) {
  std::map<std::string, double> shares;
  const std::vector<Action> actions = play(1, 250);
  for (const Action& action : actions) {
    shares[motion_of(action)] += 1.0 / static_cast<double>(actions.size());
  }
  EXPECT_NEAR(shares["still"], 0.15, 0.03);
  EXPECT_NEAR(shares["look"], 0.30, 0.03);
  EXPECT_NEAR(shares["walk"], 0.55, 0.03);
}

TEST(BotTest, LooksAreOfOneAxisAndBothSignsAreEquallyFrequent) {
  std::map<std::string, double> frames;
  for (const Action& action : play(2, 250)) {
    if (motion_of(action) == "look") {
      EXPECT_TRUE(action.yaw == 0 || action.pitch == 0);
      frames[action.yaw < 0     ? "left"
             : action.yaw > 0   ? "right"
             : action.pitch < 0 ? "up"
                                : "down"]++;
    }
  }
  EXPECT_NEAR(frames["left"] / frames["right"], 1, 0.1);
  EXPECT_NEAR(frames["up"] / frames["down"], 1, 0.2);
  EXPECT_GT(frames["up"], 0.3 * frames["left"]);
}

TEST(BotTest, EveryKeyAloneAndItsCombinationsAreThere) {
  std::map<std::string, double> shares;
  const std::vector<Action> actions = play(3, 250);
  for (const Action& action : actions) {
    std::string keys;
    for (size_t i = 0; i < action.keys.size(); ++i) {
      if (action.keys[i] != 0) keys += "WSAD_^!"[i];
    }
    shares[keys + (action.yaw != 0 ? "~" : "")] += 1.0 / static_cast<double>(actions.size());
  }
  for (const char* keys : {"S", "A", "D", "W~"}) {
    EXPECT_GT(shares[keys], 0.03) << keys;
  }
  EXPECT_GT(shares["W"], 0.08);
  for (const char* keys : {"WA", "WD", "W!", "W!~", "W^"}) {
    EXPECT_GT(shares[keys], 0.01) << keys;
  }
  EXPECT_NEAR(shares["A"] / shares["D"], 1, 0.2);
  EXPECT_NEAR(shares["S"] / shares["D"], 1, 0.25);
}

TEST(BotTest, HoldsAtMostOneOfEachGroupOfKeys) {
  for (const Obstacle around : {Obstacle::kFree, Obstacle::kStep}) {
    for (const Action& action : play(4, 60, around)) {
      EXPECT_LE(action.keys[0] + action.keys[1], 1);
      EXPECT_LE(action.keys[2] + action.keys[3], 1);
      EXPECT_LE(action.keys[4] + action.keys[5] + action.keys[6], 1);
      EXPECT_LE(std::abs(action.yaw), 6.01F);
      EXPECT_LE(std::abs(action.pitch), 3.01F);
    }
  }
}

TEST(BotTest, JumpsAtSteps) {
  int jumps = 0, walks = 0;
  for (const Action& action : play(5, 30, Obstacle::kStep)) {
    walks += action.keys[0] + action.keys[1] + action.keys[2] + action.keys[3] > 0;
    jumps += action.is_pressed(Key::kSpace);
  }
  EXPECT_GT(walks, 100);
  EXPECT_GT(jumps, walks / 2);
}

TEST(BotTest, NeverWalksIntoWaterOrOverACliff) {
  for (const Obstacle around : {Obstacle::kLiquid, Obstacle::kDrop, Obstacle::kWall}) {
    for (const Action& action : play(6, 30, around)) {
      EXPECT_EQ(action.keys[0] + action.keys[1] + action.keys[2] + action.keys[3], 0);
    }
  }
}

TEST(BotTest, TurnsAwayWhenAWallHoldsItForHalfASecond) {
  Bot bot(7);
  BotView view;  // Looks free, yet nothing moves: a thing that the probes do not show.
  int held = 0, longest = 0;
  for (int k = 0; k < 4000; ++k) {
    const Action action = bot.next(view);
    const bool walks = action.keys[0] + action.keys[1] + action.keys[2] + action.keys[3] > 0;
    held = walks ? held + 1 : 0;
    longest = std::max(longest, held);
  }
  EXPECT_LE(longest, 20);
}

TEST(BotTest, EqualSeedsPlayEqually) {
  EXPECT_EQ(play(8, 5), play(8, 5));
  EXPECT_NE(play(8, 5), play(9, 5));
}

TEST(BotTest, ATwinOpensWithAnotherAction) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Bot bot(seed);
    bot.start_clip();
    const Action first = bot.next({});
    bot.start_clip(first);
    EXPECT_NE(bot.next({}), first) << "seed " << seed;
  }
}

TEST(ObstacleTest, LiesInTheDirectionOfTheKeys) {
  std::array<Obstacle, 8> around{};
  around[2] = Obstacle::kWall;  // East.
  EXPECT_EQ(obstacle_ahead({1, 0, 0, 0, 0, 0, 0}, 90, around), Obstacle::kWall);
  EXPECT_EQ(obstacle_ahead({0, 0, 0, 1, 0, 0, 0}, 0, around), Obstacle::kWall);
  EXPECT_EQ(obstacle_ahead({0, 0, 1, 0, 0, 0, 0}, 180, around), Obstacle::kWall);
  EXPECT_EQ(obstacle_ahead({0, 1, 0, 0, 0, 0, 0}, 270, around), Obstacle::kWall);
  EXPECT_EQ(obstacle_ahead({1, 0, 0, 1, 0, 0, 0}, 45, around), Obstacle::kWall);
  EXPECT_EQ(obstacle_ahead({1, 0, 0, 0, 0, 0, 0}, 0, around), Obstacle::kFree);
  EXPECT_EQ(obstacle_ahead({}, 90, around), Obstacle::kFree);
}

}  // namespace
}  // namespace mw::collect
