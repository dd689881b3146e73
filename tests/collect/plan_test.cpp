// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/plan.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "tests/support/expect_error.h"

namespace mw::collect {
namespace {

TEST(PlanTest, EachVisitBelongsToExactlyOneShard) {
  for (const int num_shards : {1, 2, 3, 4, 5, 12, 13}) {
    for (int64_t index = 0; index < 200; ++index) {
      int owners = 0;
      for (int shard = 1; shard <= num_shards; ++shard) {
        owners += is_in_shard(make_visit(index), shard, num_shards);
      }
      ASSERT_EQ(owners, 1) << "visit " << index << " of " << num_shards << " shards";
    }
  }
}

TEST(PlanTest, EveryShardReachesEveryWorld) {
  for (const int num_shards : {2, 4, 6}) {
    for (int shard = 1; shard <= num_shards; ++shard) {
      std::set<int> worlds;
      for (int64_t index = 0; index < kNumWorlds * num_shards; ++index) {
        if (is_in_shard(make_visit(index), shard, num_shards)) {
          worlds.insert(make_visit(index).world);
        }
      }
      EXPECT_EQ(worlds.size(), size_t{kNumWorlds}) << shard << '/' << num_shards;
    }
  }
}

TEST(PlanTest, SharesOfTheShardsAddUp) {
  int64_t sum = 0;
  for (int shard = 1; shard <= 7; ++shard) {
    sum += clips_of_shard(100, shard, 7);
  }
  EXPECT_EQ(sum, 100);
}

TEST(PlanTest, RefusesShardsThatAreNotThere) {
  EXPECT_ERROR(is_in_shard(make_visit(0), 3, 2), ErrorCode::kInvalidArgument, "--shard 3/2");
  EXPECT_ERROR(is_in_shard(make_visit(0), 0, 2), ErrorCode::kInvalidArgument, "--shard 0/2");
}

TEST(PlanTest, AWorldBelongsToOneSplit) {
  std::map<std::string, int> worlds;
  for (int world = 0; world < kNumWorlds; ++world) ++worlds[split_of_world(world)];
  EXPECT_EQ(worlds, (std::map<std::string, int>{{"test", 1}, {"train", 11}, {"val", 1}}));
}

TEST(PlanTest, VisitsOfOneWorldShareNoPlace) {
  std::map<int, std::set<int64_t>> places;
  for (int64_t index = 0; index < 100; ++index) {
    const Visit visit = make_visit(index);
    for (int64_t place = 0; place < kPlacesPerVisit; ++place) {
      EXPECT_TRUE(places[visit.world].insert(visit.first_place + place).second);
    }
  }
  EXPECT_EQ(places.size(), size_t{kNumWorlds});
}

TEST(PlanTest, SeedsDifferBetweenWorldsPlacesAndRecordings) {
  std::set<uint64_t> seeds;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    for (int world = 0; world < kNumWorlds; ++world) {
      seeds.insert(world_seed(seed, world));
      for (int64_t place = 0; place < 10; ++place) {
        seeds.insert(place_seed(seed, world, place));
      }
    }
  }
  EXPECT_EQ(seeds.size(), size_t{3 * kNumWorlds * 11});
  EXPECT_EQ(place_seed(5, 3, 7), place_seed(5, 3, 7));
}

TEST(PlanTest, ThreePlacesOfFourHaveBrightDay) {
  int bright = 0;
  constexpr int kPlaces = 4000;
  for (int64_t place = 0; place < kPlaces; ++place) {
    const double time = time_of_day(place_seed(1, 0, place));
    EXPECT_GT(time, 0.22);  // The map is fully lit from 0.255 on and dark below 0.2.
    EXPECT_LT(time, 0.78);
    bright += time > 0.3 && time < 0.7;
  }
  EXPECT_NEAR(bright / double{kPlaces}, 0.75, 0.03);
}

TEST(PlanTest, ClipNamesAreRead) {
  const std::string id = clip_id(7, 123, 4, true);
  EXPECT_EQ(id, "w07-p0123-c4b");
  const auto name = parse_clip_id(id);
  ASSERT_TRUE(name.has_value());
  EXPECT_EQ(name->world, 7);
  EXPECT_EQ(name->place, 123);
  EXPECT_FALSE(parse_clip_id("holiday").has_value());
}

}  // namespace
}  // namespace mw::collect
