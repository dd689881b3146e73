// SPDX-License-Identifier: Apache-2.0
// mw eval: a world against recordings under the same actions.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/mw/commands.h"
#include "apps/mw/commit.h"
#include "apps/mw/machine.h"
#include "apps/mw/progress_line.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_folder.h"
#include "mw/eval/world_report.h"
#include "mw/io/atomic_file.h"
#include "mw/video/image_file.h"

namespace mw::app {
namespace {

struct EvalOptions {
  std::string real, model = "overworld", out, sheet;
  eval::WorldEvalConfig config;
  bool use_json = false;
};

void evaluate(const EvalOptions& options) {
  use_world_threads();
  eval::WorldEvalConfig config = options.config;
  config.real = user_path(options.real);
  config.model = engine::find_model(options.model);
  // What can't be written fails before the long part.
  std::optional<io::AtomicFile> report_file, sheet_file;
  if (!options.out.empty()) {
    std::filesystem::create_directories(user_path(options.out));
    report_file.emplace(user_path(options.out) / "report.json");
  }
  if (!options.sheet.empty()) sheet_file.emplace(user_path(options.sheet));
  ProgressLine line;
  const eval::WorldReport report =
      eval::evaluate_world(config, [&](const std::string& name, int64_t done, int64_t all) {
        if (!line.is_terminal()) return;
        line.show(name + " " + std::to_string(done) + "/" + std::to_string(all));
      });
  nlohmann::ordered_json json = report.json();
  json["model"] = options.model;
  json["real"] = options.real;
  json["dtype"] = config.dtype;
  if (config.steps > 0) json["steps"] = config.steps;
  json["commit"] = commit();
  if (report_file) {
    report_file->write(json.dump(2) + "\n");
    report_file->commit();
  }
  if (sheet_file) {
    sheet_file->write(video::encode_png(report.sheet));
    sheet_file->commit();
  }
  if (line.is_terminal()) line.show("");
  std::printf("%s", options.use_json ? (json.dump(2) + "\n").c_str() : report.table().c_str());
}

}  // namespace

void add_eval(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("eval", "Measure a world against recordings: pictures and control");
  auto options = std::make_shared<EvalOptions>();
  EvalOptions& o = *options;
  command->add_option("--real", o.real, "Data set with a held-out split")->required();
  command->add_option("--split", o.config.split,
                      "Its name; otherwise `test` if it has clips, or `val`");
  command->add_option("--model", o.model, "A model's folder or name")->capture_default_str();
  command->add_option("--out", o.out, "Folder for report.json");
  command->add_option("--sheet", o.sheet, "A picture to write (.png): recorded and played frames");
  command->add_option("--starts", o.config.starts, "Windows, spread over the held-out clips")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_option("--frames", o.config.frames, "Frames played from each")
      ->check(CLI::Range(1, 10000))
      ->capture_default_str();
  command->add_option("--long-starts", o.config.long_starts, "Clips played whole")
      ->check(CLI::Range(0, 100000))
      ->capture_default_str();
  command->add_option("--dtype", o.config.dtype, "fp32 or bf16")
      ->check(CLI::IsMember({"fp32", "bf16"}))
      ->capture_default_str();
  command
      ->add_option("--steps", o.config.steps, "Sampler steps per frame; by default the model's own")
      ->check(CLI::Range(1, 1000));
  command->add_flag("--json", o.use_json, "Print the report as JSON");
  command->callback([options] { evaluate(*options); });
  command->footer(
      "Example:\n  mw eval --real ~/.cache/microworld/data/overworld --model overworld --out "
      "out --sheet sheet.png\n\n"
      "Sheet: a row a start; pairs of recorded and played frames at 0, 1/4, 1/2, 3/4 and the end.\n"
      "PSNR counts at most 40 dB a frame; -l: whole clips. turns, w, s, a, d: share of frame "
      "pairs\n"
      "under that action alone whose picture moves the right way; angle: median of seen by\n"
      "commanded rotation. full - X: mean difference and its 95 % interval.");
}

}  // namespace mw::app
