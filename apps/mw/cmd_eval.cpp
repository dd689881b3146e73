// SPDX-License-Identifier: Apache-2.0
// mw eval: a world against the recording, from starts it never learned.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/mw/commands.h"
#include "apps/mw/progress_line.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/eval/held_out.h"
#include "mw/io/atomic_file.h"

namespace mw::app {
namespace {

struct EvalOptions {
  std::string real, model = "overworld", split = "val", out, dtype = "fp32";
  int64_t starts = 64, frames = 16;
  uint64_t seed = 0;
  bool use_json = false;
};

nlohmann::json to_json(const eval::HeldOutScores& scores) {
  const auto obedience = [](const eval::Obedience& counted) {
    return nlohmann::json{{"share", counted.share()}, {"pairs", counted.num_pairs}};
  };
  return {{"psnr", scores.psnr},
          {"ssim", scores.ssim},
          {"psnr_by_frame", scores.psnr_by_frame},
          {"yaw", obedience(scores.yaw)},
          {"pitch", obedience(scores.pitch)},
          {"turn_ratio", scores.turn_ratio},
          {"frames", scores.num_frames}};
}

void print_row(const std::string& name, const eval::HeldOutScores& scores) {
  std::printf("%-22s %7.2f %7.4f %9.3f (%lld) %9.3f (%lld) %8.2f\n", name.c_str(), scores.psnr,
              scores.ssim, scores.yaw.share(), static_cast<long long>(scores.yaw.num_pairs),
              scores.pitch.share(), static_cast<long long>(scores.pitch.num_pairs),
              scores.turn_ratio);
}

void evaluate(const EvalOptions& options) {
  const data::Dataset dataset(user_path(options.real));
  const std::filesystem::path model = engine::find_model(options.model);
  const auto starts = eval::held_out_starts(dataset, options.split, options.starts, options.frames);
  ProgressLine line;
  nlohmann::json report = {{"real", options.real},     {"model", model.string()},
                           {"split", options.split},   {"starts", starts.size()},
                           {"frames", options.frames}, {"seed", options.seed},
                           {"dtype", options.dtype}};
  if (!options.use_json) {
    std::printf("%-22s %7s %7s %14s %14s %8s\n", "", "PSNR", "SSIM", "yaw obeyed", "pitch obeyed",
                "turn");
  }
  const auto score = [&](const std::string& name, const eval::RollOut& roll_out) {
    const auto scores = eval::score_held_out(starts, roll_out, [&](int64_t done) {
      if (line.is_terminal()) {
        line.show(name + ": " + std::to_string(done) + " of " + std::to_string(starts.size()));
      }
    });
    report["rows"][name] = to_json(scores);
    if (!options.use_json) print_row(name, scores);
    std::fflush(stdout);
  };
  score("recording", eval::recording());
  const std::vector<std::pair<std::string, engine::WorldMode>> modes = {
      {"world", engine::WorldMode::kFull},
      {"bare camera prior", engine::WorldMode::kPriorOnly},
      {"rotation alone", engine::WorldMode::kRotationOnly},
      {"first frame repeated", engine::WorldMode::kRepeat}};
  for (const auto& [name, mode] : modes) {
    engine::World world(model, {.mode = mode, .dtype = options.dtype, .sampling = {}});
    score(name, eval::roll_out_of(world, options.seed));
    if (mode != engine::WorldMode::kFull) continue;
    score("shuffled actions", eval::shuffled(starts, eval::roll_out_of(world, options.seed)));
  }
  if (options.use_json) std::printf("%s\n", report.dump(2).c_str());
  if (options.out.empty()) return;
  const std::filesystem::path folder = user_path(options.out);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw Error(ErrorCode::kIo, "eval: can't make '" + folder.string() + "': " + error.message());
  }
  io::write_file(folder / "report.json", report.dump(2) + "\n");
}

}  // namespace

void add_eval(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("eval", "Measure a world against recordings it never learned");
  auto options = std::make_shared<EvalOptions>();
  command->add_option("--real", options->real, "Data set of recordings")->required();
  command->add_option("--model", options->model, "Model folder or name")->capture_default_str();
  command->add_option("--split", options->split, "Split of the data set")->capture_default_str();
  command->add_option("--starts", options->starts, "Most clips to start from")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--frames", options->frames, "Frames to predict from each")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--dtype", options->dtype, "fp32 or bf16")->capture_default_str();
  command->add_option("--seed", options->seed, "Of the worlds' noise")->capture_default_str();
  command->add_option("--out", options->out, "Folder for report.json");
  command->add_flag("--json", options->use_json, "Print the report as JSON");
  command->callback([options] { evaluate(*options); });
  command->footer(
      "Rows: the recording (ceiling of obedience), the world, the world under another clip's\n"
      "actions (floor), and the baselines it must beat. Obedience is the share of pure turns "
      "whose\n"
      "picture moved the commanded way; turn is the median size of that motion, 1 when exact.\n"
      "Example:\n  mw eval --real data/sample --model overworld --frames 16 --out out/eval");
}

}  // namespace mw::app
