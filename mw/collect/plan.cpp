// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/plan.h"

#include <cstdio>

#include "mw/core/error.h"

namespace mw::collect {
namespace {

/// SplitMix64's finaliser: neighbouring seeds become unrelated ones.
uint64_t mixed(uint64_t value) {
  value += 0x9e3779b97f4a7c15ULL;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
  return value ^ (value >> 31);
}

}  // namespace

Visit make_visit(int64_t index) {
  MW_CHECK(index >= 0, "visit ", index, " is negative");
  return {index, static_cast<int>(index % kNumWorlds), index / kNumWorlds * kPlacesPerVisit};
}

bool is_in_shard(const Visit& visit, int shard, int num_shards) {
  MW_CHECK(num_shards >= 1 && shard >= 1 && shard <= num_shards, "--shard ", shard, '/', num_shards,
           ": wanted I/N with 1 <= I <= N");
  // A step aside each round: with visits alone, as many parts as worlds would bind worlds to parts.
  const int64_t round = visit.index / kNumWorlds;
  return (visit.world + round) % num_shards == shard - 1;
}

int64_t clips_of_shard(int64_t num_clips, int shard, int num_shards) {
  return num_clips / num_shards + (shard <= num_clips % num_shards ? 1 : 0);
}

const char* split_of_world(int world) {
  if (world == kValidationWorld) return "val";
  return world == kTestWorld ? "test" : "train";
}

uint64_t world_seed(uint64_t seed, int world) {
  // The game takes seeds as text; 48 bits stay readable.
  return mixed(mixed(seed) + static_cast<uint64_t>(world)) >> 16;
}

uint32_t place_seed(uint64_t seed, int world, int64_t place) {
  const uint64_t value = mixed(world_seed(seed, world) ^ mixed(static_cast<uint64_t>(place)));
  return static_cast<uint32_t>(value >> 33);  // 31 bits: the game's generator takes signed seeds.
}

double time_of_day(uint32_t place_seed) {
  const uint64_t value = mixed(place_seed);
  const double fraction = static_cast<double>(value >> 11) * 0x1p-53;
  switch (value % 8) {
    case 0:
      return 0.228 + 0.024 * fraction;  // Morning: the sun is half up in light, not in sight.
    case 1:
      return 0.748 + 0.024 * fraction;  // Evening.
    default:
      return 0.36 + 0.28 * fraction;
  }
}

std::string clip_id(int world, int64_t place, int clip, bool is_twin) {
  char text[64];
  std::snprintf(text, sizeof text, "w%02d-p%04lld-c%d%s", world, static_cast<long long>(place),
                clip, is_twin ? "b" : "");
  return text;
}

std::optional<ClipName> parse_clip_id(const std::string& id) {
  ClipName name;
  long long place = 0;
  int clip = 0;
  if (std::sscanf(id.c_str(), "w%d-p%lld-c%d", &name.world, &place, &clip) != 3) {
    return std::nullopt;
  }
  name.place = place;
  return name;
}

}  // namespace mw::collect
