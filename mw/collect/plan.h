// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mw::collect {

constexpr int kNumWorlds = 13;       ///< World seeds of a recording.
constexpr int kValidationWorld = 1;  ///< Its clips steer training and choices, nothing else.
constexpr int kTestWorld = 12;       ///< Its clips are for reported figures alone.
constexpr int kPlacesPerVisit = 5;   ///< Start places for one start of the game.
constexpr int kClipsPerPlace = 8;

/// One start of the game in one world. Visits go round the worlds, so that every world, and with
/// it every split, appears early.
struct Visit {
  int64_t index = 0;
  int world = 0;
  int64_t first_place = 0;  ///< Places of a world are numbered through all its visits.
};

Visit make_visit(int64_t index);

/// Whether part `shard` (from 1) of `num_shards` records this visit. Each visit belongs to exactly
/// one part, and each part visits every world.
bool is_in_shard(const Visit& visit, int shard, int num_shards);

/// Clips that a part contributes to a total of `num_clips`.
int64_t clips_of_shard(int64_t num_clips, int shard, int num_shards);

/// "train", "val" or "test": a world belongs to one split whole, so that none leaks into another.
const char* split_of_world(int world);

/// The map seed of a world, and the seed of one of its places: equal seeds give equal recordings.
uint64_t world_seed(uint64_t seed, int world);
uint32_t place_seed(uint64_t seed, int world, int64_t place);

/// 0 to 1, 0.5 is noon: bright day for three places of four, low light for the others.
double time_of_day(uint32_t place_seed);

/// "w03-p0012-c4": world, place, clip; twins end in "b".
std::string clip_id(int world, int64_t place, int clip, bool is_twin);

/// The world and place of such a name; nullopt for another name.
struct ClipName {
  int world = 0;
  int64_t place = 0;
};
std::optional<ClipName> parse_clip_id(const std::string& id);

}  // namespace mw::collect
