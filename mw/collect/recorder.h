// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>

namespace mw::collect {

/// Which clips' starts are recorded a second time with other actions: none, every second clip of
/// the validation world, or every second clip.
enum class Twins { kNone, kHeldOut, kAll };

/// A recording to be made, or gone on with: clips that are in the folder already count.
struct RecordingConfig {
  std::filesystem::path folder;
  int64_t num_clips = 0;  ///< In all, over all parts.
  int frames = 81;        ///< Per clip.
  int width = 176;        ///< Multiples of 8; the game draws at twice the size.
  int height = 96;
  double fps = 16;
  uint64_t seed = 1;
  int shard = 1;  ///< This part, of `num_shards`.
  int num_shards = 1;
  Twins twins = Twins::kNone;
};

/// Where a recording stands.
struct RecordingProgress {
  int64_t clips = 0;    ///< There now, of this part.
  int64_t wanted = 0;   ///< Of this part.
  int64_t dropped = 0;  ///< Episodes thrown away: blocked, dark, in water, falls, a hung game.
  int64_t frames = 0;   ///< Recorded in this run.
  double seconds = 0;   ///< Of this run.
};

/// Records until the clips are there or `stop` turns true; what is done stays whole. Calls `report`
/// after each clip and each dropped one.
/// Throws Error kInvalidArgument for settings that can't be, kIo when the game can't be started
/// (naming the Debian package that is missing) or fails again and again, or the disk refuses.
RecordingProgress record(const RecordingConfig& config,
                         const std::function<void(const RecordingProgress&)>& report,
                         const std::atomic<bool>& stop);

}  // namespace mw::collect
