// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/recorder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>

#include "mw/collect/bot.h"
#include "mw/collect/caption.h"
#include "mw/collect/frame_pixels.h"
#include "mw/collect/game.h"
#include "mw/collect/plan.h"
#include "mw/core/error.h"
#include "mw/core/log.h"
#include "mw/data/dataset_writer.h"
#include "mw/data/line_log.h"

namespace mw::collect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr int kCrf = 16;
constexpr double kSettleSeconds = 2.2;  // Real time after a jump to a new place: the map must come.
constexpr double kPauseSeconds = 0.35;  // The same between clips of a place.
constexpr int kUnseenFrames = 3;        // Game time of a frame that nobody records, in frames.
constexpr int kSettleFrames = 12;       // Then game time, for light and falling to rest.
constexpr int kWanderFrames = 42;       // Between clips.
constexpr int kMaxFailures = 5;         // Hung or ended games in a row.

// What makes an episode bad.
constexpr double kDarkest = 14;           // Mean byte of a frame.
constexpr double kDeepestFall = 5;        // Nodes below the start.
constexpr double kMaxCameraError = 0.05;  // Degrees between what was asked and the game's camera.
constexpr int kMaxWetFrames = 6;
constexpr int kMaxUnknownFrames = 6;    // Frames at the edge of the loaded map.
constexpr double kMaxStuckShare = 0.4;  // Of the walking frames.

double ground_distance(const PlayerState& from, const PlayerState& to) {
  return std::hypot(to.position[0] - from.position[0], to.position[2] - from.position[2]);
}

/// Difference of two angles, in (-180, 180].
double angle_between(double from, double to) { return std::remainder(to - from, 360.0); }

/// An episode being recorded, before anything is on disk.
struct Episode {
  data::NewClip clip;
  action::Action first_action;  // Of frame 1.
  std::string flaw;             // Why it is no use; empty for a good one.
};

/// Counts what makes an episode bad.
class Critic {
 public:
  explicit Critic(const PlayerState& start) : start_(start) {}

  void see(const PlayerState& before, const PlayerState& after, const action::Action& act) {
    wet_ += after.is_in_liquid;
    unknown_ += std::ranges::count(after.near, Obstacle::kUnknown) > 0;
    fall_ = std::max(fall_, start_.position[1] - after.position[1]);
    const bool walks = act.keys[0] != act.keys[1] || act.keys[2] != act.keys[3];
    walking_ += walks;
    stuck_ += walks && ground_distance(before, after) < 0.02;
  }
  void see(const video::Image& image) { is_dark_ = is_dark_ || mean_brightness(image) < kDarkest; }
  void see_camera(double error) { camera_error_ = std::max(camera_error_, std::abs(error)); }

  std::string flaw() const {
    if (camera_error_ > kMaxCameraError) return "the camera did not obey";
    if (is_dark_) return "black frames";
    if (wet_ > kMaxWetFrames) return "in water";
    if (fall_ > kDeepestFall) return "a fall";
    if (unknown_ > kMaxUnknownFrames) return "the map was not loaded";
    if (walking_ > 12 && stuck_ > kMaxStuckShare * walking_) return "stuck";
    return "";
  }

 private:
  PlayerState start_;
  int wet_ = 0, unknown_ = 0, walking_ = 0, stuck_ = 0;
  double fall_ = 0, camera_error_ = 0;
  bool is_dark_ = false;
};

/// One player in one running game, with the view that was asked of it.
class Explorer {
 public:
  Explorer(const RecordingConfig& config, uint64_t map_seed)
      : config_(config), game_({config.width * 2, config.height * 2, config.fps, map_seed}) {}

  /// Goes to an open place; false when the world has none for this seed.
  bool visit(uint32_t seed) {
    time_of_day_ = time_of_day(seed);
    const std::optional<Place> place = game_.find_place(seed, time_of_day_);
    if (!place) {
      return false;
    }
    go(place->position, place->yaw, static_cast<double>(seed % 13) - 3);
    game_.run_free(kSettleSeconds);
    settle();
    return true;
  }

  void go(const std::array<double, 3>& position, double yaw, double pitch) {
    game_.go(position, yaw, pitch);
    yaw_ = yaw;
    pitch_ = pitch;
  }

  /// Walks on to new ground, then lets the map come.
  void wander(Bot& bot) {
    for (int i = 0; i < kWanderFrames; i += kUnseenFrames) {
      advance(bot.wander(view()), false);
      finish(nullptr);
    }
    pause();
  }

  void pause() {
    game_.run_free(kPauseSeconds);
    settle();
  }

  Episode record(Bot& bot, const std::string& id, const std::optional<action::Action>& unlike) {
    Episode episode;
    episode.clip.id = id;
    episode.clip.depth.emplace();
    Critic critic(state_);
    RawFrame raw;
    bot.start_clip(unlike);
    advance({}, true);
    finish(&raw);
    add_row(episode, {});
    for (int k = 1; k < config_.frames; ++k) {
      const PlayerState before = state_;
      const action::Action act = bot.next(view());
      advance(act, true);
      add_picture(episode, raw, critic);  // While the game draws the next.
      finish(&raw);
      critic.see(before, state_, act);
      critic.see_camera(angle_between(yaw_, state_.camera_yaw));
      critic.see_camera(pitch_ - state_.camera_pitch);
      add_row(episode, act);
      if (k == 1) {
        episode.first_action = act;
      }
    }
    add_picture(episode, raw, critic);
    data::Depth& depth = *episode.clip.depth;
    depth.num_frames = config_.frames;
    depth.height = config_.height / 4;
    depth.width = config_.width / 4;
    data::mark_collisions(episode.clip.rows);
    episode.flaw = critic.flaw();
    return episode;
  }

  const PlayerState& state() const { return state_; }
  double yaw() const { return yaw_; }
  double pitch() const { return pitch_; }

 private:
  void settle() {
    for (int i = 0; i < kSettleFrames; i += kUnseenFrames) {
      advance({}, false);
      finish(nullptr);
    }
  }

  BotView view() const {
    return {yaw_, pitch_, moved_, state_.is_grounded, state_.near, state_.far};
  }

  void advance(const action::Action& act, bool with_picture) {
    FrameInput input;
    std::ranges::copy(act.keys, input.keys.begin());
    input.mouse_dx = static_cast<int>(std::lround(act.yaw / kDegreesPerPixel));
    input.mouse_dy = static_cast<int>(std::lround(act.pitch / kDegreesPerPixel));
    yaw_ = std::fmod(yaw_ + input.mouse_dx * kDegreesPerPixel + 360, 360);
    pitch_ += input.mouse_dy * kDegreesPerPixel;
    game_.begin_frame(input, with_picture, with_picture ? 1 : kUnseenFrames);
  }

  void finish(RawFrame* raw) {
    const PlayerState before = state_;
    state_ = game_.finish_frame(raw);
    moved_ = ground_distance(before, state_);
  }

  void add_row(Episode& episode, const action::Action& act) {
    data::FrameRow row;
    row.action = act;
    row.pitch = pitch_;
    row.yaw = yaw_;
    row.position = state_.position;
    row.time_of_day = time_of_day_;
    row.biome = game_.biome();
    episode.clip.rows.push_back(row);
  }

  void add_picture(Episode& episode, const RawFrame& raw, Critic& critic) const {
    const int width = config_.width * 2, height = config_.height * 2;
    episode.clip.frames.push_back(downsample(raw, width, height));
    critic.see(episode.clip.frames.back());
    const std::vector<uint8_t> depth = inverse_depth(raw, width, height);
    std::vector<uint8_t>& all = episode.clip.depth->inverse;
    all.insert(all.end(), depth.begin(), depth.end());
  }

  RecordingConfig config_;
  Game game_;
  PlayerState state_;
  double yaw_ = 0, pitch_ = 0, moved_ = 0, time_of_day_ = 0.5;
};

data::DatasetInfo describe(const RecordingConfig& config) {
  data::DatasetInfo info;
  info.name = "overworld";
  info.fps = config.fps;
  info.width = config.width;
  info.height = config.height;
  info.license = "CC-BY-SA-4.0";
  info.made_by = {
      {"program", "mw collect"},
      {"seed", std::to_string(config.seed)},
      {"game",
       "Minetest 5.6.1 with Minetest Game; engine LGPL-2.1-or-later, textures and models "
       "CC-BY-SA-3.0"},
      {"camera", concat_message("vertical field of view ", kFieldOfView, " degrees, eyes ",
                                kEyeHeight, " nodes above the feet")},
      {"player", "a bot: 15 % of the frames still, 30 % turns and looks, 55 % walking"},
      {"worlds", concat_message(kNumWorlds, " map seeds, number ", kValidationWorld,
                                " for validation only, ", kTestWorld, " for tests only")}};
  return info;
}

/// Holds an exclusive lock of the folder, so that several recorders can share it.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : file_(open((folder / ".collect.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0 || flock(file_, LOCK_EX) != 0) {
      throw Error(ErrorCode::kIo, concat_message(folder.string(), ": can't lock the data set"));
    }
  }
  ~FolderLock() { close(file_); }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int file_;
};

class Recorder {
 public:
  Recorder(const RecordingConfig& config,
           const std::function<void(const RecordingProgress&)>& report,
           const std::atomic<bool>& stop)
      : config_(config),
        report_(report),
        stop_(stop),
        writer_(config.folder, describe(config), kCrf) {
    progress_.wanted = clips_of_shard(config.num_clips, config.shard, config.num_shards);
    take_stock();
  }

  RecordingProgress run() {
    for (int64_t index = first_visit_; !is_done(); ++index) {
      const Visit visit = make_visit(index);
      if (is_in_shard(visit, config_.shard, config_.num_shards)) {
        attend(visit);
      }
    }
    await_writing();
    return progress_;
  }

 private:
  bool is_done() const { return stop_ || progress_.clips >= progress_.wanted; }

  /// Counts what this part recorded before, and finds where to go on.
  void take_stock() {
    const data::DatasetPaths paths{config_.folder};
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(paths.actions_folder(), ignored)) {
      const std::optional<ClipName> name = parse_clip_id(entry.path().stem().string());
      if (!name || entry.path().extension() != ".jsonl") {
        continue;
      }
      const int64_t index = name->place / kPlacesPerVisit * kNumWorlds + name->world;
      if (is_in_shard(make_visit(index), config_.shard, config_.num_shards)) {
        ++progress_.clips;
        first_visit_ = std::max(first_visit_, index);
        visited_.insert({name->world, name->place});
      }
    }
  }

  /// Records a visit; a game that fails costs the place that it was at.
  void attend(const Visit& visit) {
    std::unique_ptr<Explorer> explorer;
    for (int64_t place = visit.first_place; place < visit.first_place + kPlacesPerVisit; ++place) {
      if (is_done()) {
        return;
      }
      if (visited_.contains({visit.world, place})) {
        continue;
      }
      try {
        if (!explorer) {
          explorer = std::make_unique<Explorer>(config_, world_seed(config_.seed, visit.world));
          has_started_ = true;
        }
        record_place(*explorer, visit.world, place);
      } catch (const Error& error) {
        explorer.reset();
        if (error.code() != ErrorCode::kIo || !has_started_ || is_disk_failure_ ||
            ++failures_ >= kMaxFailures) {
          throw;
        }
        log::warn(error.what(), "; starting it anew");
        drop();
      }
    }
  }

  void record_place(Explorer& explorer, int world, int64_t place) {
    const uint32_t seed = place_seed(config_.seed, world, place);
    if (!explorer.visit(seed)) {
      log::debug("no open place in world ", world, " for place ", place);
      return;
    }
    Bot bot(seed);
    const bool is_held_out = split_of_world(world) != std::string_view("train");
    const bool has_twins =
        config_.twins == Twins::kAll || (config_.twins == Twins::kHeldOut && is_held_out);
    for (int clip = 0; clip < kClipsPerPlace && !is_done(); ++clip) {
      if (clip > 0) {
        explorer.wander(bot);
      }
      const PlayerState start = explorer.state();
      const double yaw = explorer.yaw(), pitch = explorer.pitch();
      Episode episode = explorer.record(bot, clip_id(world, place, clip, false), std::nullopt);
      const action::Action first_action = episode.first_action;
      const bool is_kept = keep(std::move(episode), world);
      if (is_kept && has_twins && clip % 2 == 0 && !is_done()) {
        explorer.go(start.position, yaw, pitch);
        explorer.pause();
        const std::string twin = clip_id(world, place, clip, true);
        if (keep(explorer.record(bot, twin, first_action), world)) {
          await_writing();
          const nlohmann::json pair = {{"a", clip_id(world, place, clip, false)}, {"b", twin}};
          data::append_line(config_.folder / "twins.jsonl", pair.dump());
        }
      }
    }
  }

  void drop() {
    ++progress_.dropped;
    publish();
  }

  /// Hands a good episode to the disk in the background; false for a bad one.
  bool keep(Episode episode, int world) {
    failures_ = 0;
    progress_.frames += config_.frames;
    if (!episode.flaw.empty()) {
      log::debug(episode.clip.id, " dropped: ", episode.flaw);
      drop();
      return false;
    }
    await_writing();
    episode.clip.caption =
        make_caption(episode.clip.rows, place_seed(config_.seed, world, progress_.clips));
    writing_ = std::async(std::launch::async, [this, world, clip = std::move(episode.clip)] {
      writer_.write_clip(clip);
      const FolderLock lock(config_.folder);
      const fs::path path = data::DatasetPaths{config_.folder}.splits();
      data::Splits splits = fs::exists(path) ? data::read_splits(path) : data::Splits{};
      for (const char* name : {"train", "val", "test"}) splits[name];
      splits[split_of_world(world)].push_back(clip.id);
      writer_.write_splits(splits);
    });
    ++progress_.clips;
    publish();
    return true;
  }

  void await_writing() {
    if (writing_.valid()) {
      is_disk_failure_ = true;  // Unless this returns.
      writing_.get();
      is_disk_failure_ = false;
    }
  }

  void publish() {
    progress_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    report_(progress_);
  }

  RecordingConfig config_;
  const std::function<void(const RecordingProgress&)>& report_;
  const std::atomic<bool>& stop_;
  data::DatasetWriter writer_;
  RecordingProgress progress_;
  Clock::time_point start_ = Clock::now();
  int64_t first_visit_ = 0;
  std::set<std::pair<int, int64_t>> visited_;
  std::future<void> writing_;
  bool has_started_ = false, is_disk_failure_ = false;
  int failures_ = 0;
};

}  // namespace

RecordingProgress record(const RecordingConfig& config,
                         const std::function<void(const RecordingProgress&)>& report,
                         const std::atomic<bool>& stop) {
  MW_CHECK(config.num_clips >= 1, "--clips ", config.num_clips, ": wanted 1 or more");
  MW_CHECK(config.frames >= 2 && config.frames <= 10000, "--frames ", config.frames,
           ": wanted 2 to 10000");
  MW_CHECK(config.width % 8 == 0 && config.height % 8 == 0 && config.width >= 64 &&
               config.height >= 64 && config.width <= 1024 && config.height <= 576,
           "--size ", config.width, 'x', config.height,
           ": wanted multiples of 8 from 64x64 to 1024x576");
  MW_CHECK(config.fps >= 1 && config.fps <= 120, "--fps ", config.fps, ": wanted 1 to 120");
  MW_CHECK(config.num_shards >= 1 && config.shard >= 1 && config.shard <= config.num_shards,
           "--shard ", config.shard, '/', config.num_shards, ": wanted I/N with 1 <= I <= N");
  return Recorder(config, report, stop).run();
}

}  // namespace mw::collect
