// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/held_out.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "mw/core/error.h"
#include "mw/eval/picture_measures.h"

namespace mw::eval {
namespace {

constexpr double kPsnrCap = 35;
constexpr double kClearTurn = 1.5;   // Degrees per frame; about two pixels.
constexpr double kSmallTurn = 0.5;   // The other axis must be quieter than this.
constexpr double kFieldOfView = 72;  // Of the recorder's camera, vertical, in degrees.

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// Counts one pair of frames; content moves against the camera.
void count(Obedience& obedience, double command, double shift) {
  ++obedience.num_pairs;
  if (command * shift < 0) ++obedience.num_obeyed;
}

bool is_walking(const action::Action& action) {
  return std::any_of(action.keys.begin(), action.keys.begin() + 5,
                     [](uint8_t k) { return k != 0; });
}

}  // namespace

double Obedience::share() const {
  return num_pairs > 0 ? static_cast<double>(num_obeyed) / static_cast<double>(num_pairs) : 0;
}

std::vector<HeldOutStart> held_out_starts(const data::Dataset& dataset, const std::string& split,
                                          int64_t count, int64_t num_frames) {
  std::vector<std::string> long_enough;
  for (const std::string& id : dataset.split(split)) {
    if (dataset.count_frames(id) > num_frames) long_enough.push_back(id);
  }
  MW_CHECK(!long_enough.empty() && count > 0 && num_frames > 0, "eval: no clip of split '", split,
           "' has more than ", num_frames, " frames");
  const auto total = static_cast<int64_t>(long_enough.size());
  const int64_t taken = std::min(count, total);
  std::vector<HeldOutStart> starts;
  for (int64_t i = 0; i < taken; ++i) {
    const data::Clip clip = dataset.clip(long_enough[static_cast<size_t>(i * total / taken)]);
    const data::Frames frames = clip.load_frames();
    HeldOutStart start{.id = clip.id(), .pitch = clip.rows()[0].pitch, .frames = {}, .actions = {}};
    const auto frame_bytes = static_cast<std::ptrdiff_t>(frames.rgb.size()) / frames.num_frames;
    for (int64_t f = 0; f <= num_frames; ++f) {
      const auto first = frames.rgb.begin() + f * frame_bytes;
      start.frames.push_back({frames.width, frames.height, {first, first + frame_bytes}});
      start.actions.push_back(clip.rows()[static_cast<size_t>(f)].action);
    }
    starts.push_back(std::move(start));
  }
  return starts;
}

HeldOutScores score_held_out(const std::vector<HeldOutStart>& starts, const RollOut& roll_out,
                             const std::function<void(int64_t)>& on_done) {
  MW_CHECK(!starts.empty(), "eval: no starts");
  HeldOutScores scores;
  scores.psnr_by_frame.assign(starts[0].frames.size() - 1, 0);
  std::vector<double> turn_ratios;
  int64_t num_done = 0;
  for (const HeldOutStart& start : starts) {
    const std::vector<video::Image> frames = roll_out(start);
    MW_CHECK(frames.size() == start.frames.size(), "eval: a roll-out has ", frames.size(),
             " frames, wanted ", start.frames.size());
    const double focal =
        0.5 * start.frames[0].height / std::tan(kFieldOfView / 2 * std::numbers::pi / 180);
    for (size_t f = 1; f < frames.size(); ++f) {
      const double psnr = std::min(kPsnrCap, picture_psnr(frames[f], start.frames[f]));
      scores.psnr += psnr;
      scores.psnr_by_frame[f - 1] += psnr;
      scores.ssim += picture_ssim(frames[f], start.frames[f]);
      ++scores.num_frames;
      const action::Action& action = start.actions[f];
      const double yaw = action.yaw, pitch = action.pitch;
      const bool is_yaw = std::abs(yaw) >= kClearTurn && std::abs(pitch) <= kSmallTurn;
      const bool is_pitch = std::abs(pitch) >= kClearTurn && std::abs(yaw) <= kSmallTurn;
      if (is_walking(action) || (!is_yaw && !is_pitch)) continue;
      const Shift shift = picture_shift(frames[f - 1], frames[f]);
      if (is_pitch) count(scores.pitch, pitch, shift.y);
      if (!is_yaw) continue;
      count(scores.yaw, yaw, shift.x);
      turn_ratios.push_back(-shift.x / (focal * std::tan(yaw * std::numbers::pi / 180)));
    }
    on_done(++num_done);
  }
  scores.psnr /= static_cast<double>(scores.num_frames);
  scores.ssim /= static_cast<double>(scores.num_frames);
  for (double& psnr : scores.psnr_by_frame) psnr /= static_cast<double>(starts.size());
  scores.turn_ratio = median(std::move(turn_ratios));
  return scores;
}

RollOut roll_out_of(engine::World& world, uint64_t seed) {
  return [&world, seed](const HeldOutStart& start) {
    std::vector<video::Image> frames = {
        world.start({.image = start.frames[0], .seed = seed, .pitch = start.pitch, .noise = {}})};
    for (size_t f = 1; f < start.actions.size(); ++f)
      frames.push_back(world.step(start.actions[f]));
    return frames;
  };
}

RollOut recording() {
  return [](const HeldOutStart& start) { return start.frames; };
}

RollOut shuffled(const std::vector<HeldOutStart>& starts, RollOut roll_out) {
  return [&starts, roll_out = std::move(roll_out)](const HeldOutStart& start) {
    const auto place = std::find_if(starts.begin(), starts.end(), [&](const HeldOutStart& other) {
      return other.id == start.id;
    });
    const auto next = static_cast<size_t>(place - starts.begin() + 1) % starts.size();
    HeldOutStart mixed = start;
    mixed.actions = starts[next].actions;
    return roll_out(mixed);
  };
}

}  // namespace mw::eval
