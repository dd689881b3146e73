// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/world_report.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "mw/core/error.h"
#include "mw/data/dataset.h"
#include "mw/engine/world.h"
#include "mw/eval/bootstrap.h"
#include "mw/eval/contact_sheet.h"
#include "mw/models/prior/camera_prior.h"
#include "mw/models/vae/pixels.h"
#include "mw/ops/picture_quality.h"
#include "mw/video/resize.h"

namespace mw::eval {
namespace {

/// Recorded frames with what led into them; row 0 is the start.
struct Window {
  std::vector<video::Image> frames;
  std::vector<action::Action> actions;
  double pitch = 0;  // Of the camera in frame 0.
};

using Play = std::vector<video::Image>;
using OnWindow = std::function<void(int64_t done)>;

Window cut(const data::Clip& clip, const data::Frames& all, int64_t first, int64_t count, int width,
           int height) {
  Window window;
  window.pitch = clip.rows()[static_cast<size_t>(first)].pitch;
  const auto bytes = static_cast<size_t>(3 * all.width * all.height);
  for (int64_t k = first; k < first + count; ++k) {
    video::Image image{.width = all.width, .height = all.height, .rgb = {}};
    const auto* begin = all.rgb.data() + static_cast<size_t>(k) * bytes;
    image.rgb.assign(begin, begin + bytes);
    window.frames.push_back(video::crop_and_resize(image, width, height));
    window.actions.push_back(k == first ? action::Action{}
                                        : clip.rows()[static_cast<size_t>(k)].action);
  }
  return window;
}

/// `wanted` windows of 1 + `frames` frames, spread evenly over the clips and within them.
std::vector<Window> spread_windows(const data::Dataset& dataset, const std::string& split,
                                   int64_t wanted, int64_t frames, int width, int height) {
  std::vector<std::pair<std::string, int64_t>> places;
  for (const std::string& id : dataset.split(split)) {
    const int64_t length = dataset.count_frames(id);
    for (int64_t first = 0; first + frames < length; first += 2 * frames) {
      places.emplace_back(id, first);
    }
  }
  if (places.empty()) {
    throw Error(
        ErrorCode::kInvalidArgument,
        concat_message("eval: split '", split, "' has no clip of more than ", frames, " frames"));
  }
  std::vector<Window> windows;
  const auto count = std::min<int64_t>(wanted, static_cast<int64_t>(places.size()));
  std::string loaded;
  std::optional<data::Clip> clip;
  data::Frames pixels;
  for (int64_t i = 0; i < count; ++i) {
    const auto& [id, first] =
        places[static_cast<size_t>(i * static_cast<int64_t>(places.size()) / count)];
    if (id != loaded) {
      clip.emplace(dataset.clip(id));
      pixels = clip->load_frames();
      loaded = id;
    }
    windows.push_back(cut(*clip, pixels, first, frames + 1, width, height));
  }
  return windows;
}

std::vector<Play> play(engine::World& world, const std::vector<Window>& windows,
                       const OnWindow& on_window) {
  std::vector<Play> plays;
  for (const Window& window : windows) {
    engine::WorldStart start;
    start.image = window.frames.front();
    start.seed = plays.size() + 1;
    start.pitch = window.pitch;
    Play frames = {world.start(start)};
    for (size_t k = 1; k < window.actions.size(); ++k) {
      frames.push_back(world.step(window.actions[k]));
    }
    plays.push_back(std::move(frames));
    on_window(static_cast<int64_t>(plays.size()));
  }
  return plays;
}

/// Mean PSNR and SSIM of the frames after the first, for each window.
std::pair<std::vector<double>, std::vector<double>> quality(const std::vector<Play>& plays,
                                                            const std::vector<Window>& windows) {
  std::vector<double> psnrs, ssims;
  for (size_t i = 0; i < plays.size(); ++i) {
    double psnr = 0, ssim = 0;
    for (size_t k = 1; k < plays[i].size(); ++k) {
      const at::Tensor a = vae::to_pixels(plays[i][k]).add(1).div(2);
      const at::Tensor b = vae::to_pixels(windows[i].frames[k]).add(1).div(2);
      psnr += std::min(kPsnrCeiling, ops::psnr(a, b).item<double>());
      ssim += ops::ssim(a, b).item<double>();
    }
    const auto count = static_cast<double>(plays[i].size() - 1);
    psnrs.push_back(psnr / count);
    ssims.push_back(ssim / count);
  }
  return {psnrs, ssims};
}

video::Image sheet_of(const std::vector<Play>& plays, const std::vector<Window>& windows) {
  std::vector<std::vector<video::Image>> recorded;
  for (const Window& window : windows) recorded.push_back(window.frames);
  return contact_sheet(recorded, plays);
}

/// The split to measure on: by itself the one that nothing was chosen on, where there is one.
std::string chosen_split(const data::Dataset& dataset, const std::string& wanted) {
  if (!wanted.empty()) return wanted;
  return dataset.has_split("test") ? "test" : "val";
}

/// `count` of `ids`, evenly.
std::vector<std::string> spread_ids(const std::vector<std::string>& ids, int64_t count) {
  const auto available = static_cast<int64_t>(ids.size());
  std::vector<std::string> chosen;
  for (int64_t i = 0; i < std::min(count, available); ++i) {
    chosen.push_back(ids[static_cast<size_t>(i * available / std::min(count, available))]);
  }
  return chosen;
}

nlohmann::ordered_json json_of(const Obedience& obedience) {
  nlohmann::ordered_json json = {{"pairs", obedience.pairs}, {"share", obedience.share()}};
  if (!obedience.ratios.empty()) json["median_ratio"] = obedience.median_ratio();
  return json;
}

bool is_played(const std::string& name) { return name != "recorded" && name != "shuffled"; }

}  // namespace

WorldReport evaluate_world(
    const WorldEvalConfig& config,
    const std::function<void(const std::string&, int64_t, int64_t)>& on_progress) {
  MW_CHECK(config.starts >= 1 && config.frames >= 1 && config.long_starts >= 0,
           "eval: starts and frames must be positive");
  const at::NoGradGuard no_grad;
  const data::Dataset dataset(config.real);
  const std::string split = chosen_split(dataset, config.split);
  const double focal = prior::CameraPrior::load(config.model / "camera_prior").config().focal;

  engine::WorldOptions options;
  options.dtype = config.dtype;
  if (config.steps > 0) {
    options.sampling =
        engine::SamplingConfig::read(config.model / "scheduler" / "scheduler_config.json");
    options.sampling->steps = config.steps;
  }
  engine::World full(config.model, options);
  const std::vector<Window> windows =
      spread_windows(dataset, split, config.starts, config.frames, full.width(), full.height());
  std::vector<Window> clips;
  for (const std::string& id : spread_ids(dataset.split(split), config.long_starts)) {
    const data::Clip clip = dataset.clip(id);
    clips.push_back(
        cut(clip, clip.load_frames(), 0, clip.num_frames(), full.width(), full.height()));
  }

  WorldReport report{
      .split = split,
      .starts = static_cast<int64_t>(windows.size()),
      .frames = config.frames,
      .long_starts = static_cast<int64_t>(clips.size()),
      .long_frames = clips.empty() ? 0 : static_cast<int64_t>(clips.front().frames.size()) - 1,
      .scores = {},
      .sheet = {}};
  ControlTally recorded(focal);
  for (const Window& window : windows) recorded.add(window.frames, window.actions);
  report.scores.emplace_back("recorded", std::move(recorded));

  const auto score = [&](const std::string& name, engine::World& world) {
    const auto all = static_cast<int64_t>(windows.size() + clips.size());
    const std::vector<Play> plays =
        play(world, windows, [&](int64_t done) { on_progress(name, done, all); });
    const std::vector<Play> long_plays = play(world, clips, [&](int64_t done) {
      on_progress(name, static_cast<int64_t>(windows.size()) + done, all);
    });
    ControlTally control(focal), shuffled(focal);
    for (size_t i = 0; i < plays.size(); ++i) {
      control.add(plays[i], windows[i].actions);
      shuffled.add(plays[i], windows[(i + plays.size() / 2) % plays.size()].actions);
    }
    WorldScore& row = report.scores.emplace_back(name, std::move(control));
    std::tie(row.psnr, row.ssim) = quality(plays, windows);
    if (name == "full") report.sheet = sheet_of(plays, windows);
    std::tie(row.long_psnr, row.long_ssim) = quality(long_plays, clips);
    return shuffled;
  };
  ControlTally shuffled = score("full", full);
  for (const auto& [name, mode] : {std::pair{"prior", engine::WorldMode::kPriorOnly},
                                   std::pair{"rotation", engine::WorldMode::kRotationOnly},
                                   std::pair{"repeat", engine::WorldMode::kRepeat}}) {
    options.mode = mode;
    engine::World baseline(config.model, options);
    score(name, baseline);
  }
  report.scores.emplace_back("shuffled", std::move(shuffled));
  return report;
}

std::string WorldReport::table() const {
  char line[200];
  std::snprintf(line, sizeof line,
                "split %s: %lld starts, %lld frames each; %lld whole clips of %lld frames\n",
                split.c_str(), static_cast<long long>(starts), static_cast<long long>(frames),
                static_cast<long long>(long_starts), static_cast<long long>(long_frames));
  std::string text = line;
  std::snprintf(line, sizeof line, "%-10s%8s%8s%8s%8s%8s%8s%7s%7s%7s%7s\n", "", "PSNR", "SSIM",
                "PSNR-l", "SSIM-l", "turns", "angle", "w", "s", "a", "d");
  text += line;
  for (const WorldScore& score : scores) {
    text += score.name + std::string(10 - std::min<size_t>(10, score.name.size()), ' ');
    if (is_played(score.name)) {
      std::snprintf(line, sizeof line, "%8.2f%8.3f%8.2f%8.3f", bootstrap_mean(score.psnr).mean,
                    bootstrap_mean(score.ssim).mean, bootstrap_mean(score.long_psnr).mean,
                    bootstrap_mean(score.long_ssim).mean);
      text += line;
    } else {
      text += std::string(32, ' ');
    }
    const Obedience turns = score.control.turns();
    std::snprintf(line, sizeof line, "%8.3f%8.3f", turns.share(), turns.median_ratio());
    text += line;
    for (const char* key : {"w", "s", "a", "d"}) {
      const auto found = score.control.by_action().find(key);
      const bool is_there = found != score.control.by_action().end();
      if (is_there) {
        std::snprintf(line, sizeof line, "%7.3f", found->second.share());
      } else {
        std::snprintf(line, sizeof line, "%7s", "-");
      }
      text += line;
    }
    text += "\n";
  }
  const WorldScore* full = nullptr;
  for (const WorldScore& score : scores) {
    if (score.name == "full") full = &score;
    if (full == nullptr || &score == full || !is_played(score.name)) continue;
    const Estimate near = bootstrap_difference(full->psnr, score.psnr);
    const Estimate far = bootstrap_difference(full->long_psnr, score.long_psnr);
    std::snprintf(line, sizeof line,
                  "full - %-9s PSNR %+.2f [%+.2f, %+.2f]  PSNR-l %+.2f [%+.2f, %+.2f]\n",
                  score.name.c_str(), near.mean, near.low, near.high, far.mean, far.low, far.high);
    text += line;
  }
  return text;
}

nlohmann::ordered_json WorldReport::json() const {
  nlohmann::ordered_json json = {{"split", split},
                                 {"starts", starts},
                                 {"frames", frames},
                                 {"long_starts", long_starts},
                                 {"long_frames", long_frames},
                                 {"psnr_ceiling", kPsnrCeiling}};
  for (const WorldScore& score : scores) {
    nlohmann::ordered_json row;
    if (is_played(score.name)) {
      for (const auto& [name, samples] :
           {std::pair{"psnr", &score.psnr}, std::pair{"ssim", &score.ssim},
            std::pair{"long_psnr", &score.long_psnr}, std::pair{"long_ssim", &score.long_ssim}}) {
        const Estimate estimate = bootstrap_mean(*samples);
        row[name] = estimate.mean;
        row[std::string(name) + "_interval"] = {estimate.low, estimate.high};
      }
    }
    row["turns"] = json_of(score.control.turns());
    for (const auto& [name, obedience] : score.control.by_action()) row[name] = json_of(obedience);
    json["scores"][score.name] = std::move(row);
  }
  return json;
}

}  // namespace mw::eval
