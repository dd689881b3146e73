// SPDX-License-Identifier: Apache-2.0
// mw bench: how fast this machine runs the parts of an embedded world.
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "apps/mw/bench_parts.h"
#include "apps/mw/commands.h"
#include "apps/mw/machine.h"
#include "apps/mw/progress_line.h"
#include "mw/engine/model_folder.h"

namespace mw::app {
namespace {

using BenchPart = void (*)(const std::filesystem::path& model, BenchReport& report);

constexpr std::pair<const char*, BenchPart> kParts[] = {{"ops", bench_ops},
                                                        {"dit", bench_dit},
                                                        {"vae", bench_vae},
                                                        {"play", bench_play},
                                                        {"train", bench_train}};

struct BenchOptions {
  std::string part, model = "overworld";
  BenchEffort effort;
  bool use_json = false;
};

void bench(const BenchOptions& options) {
  if (options.part != "train") use_world_threads();
  const std::filesystem::path model = engine::find_model(options.model);
  BenchReport report(options.effort);
  ProgressLine line;
  for (const auto& [name, run] : kParts) {
    if (!options.part.empty() && options.part != name) continue;
    if (line.is_terminal()) line.show(std::string("timing ") + name);
    run(model, report);
  }
  if (line.is_terminal()) line.show("");
  std::printf("%s",
              options.use_json ? (report.json().dump(2) + "\n").c_str() : report.table().c_str());
}

}  // namespace

void add_bench(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("bench", "Time the parts of a world on this machine");
  auto options = std::make_shared<BenchOptions>();
  command->add_option("part", options->part, "ops, dit, vae, play or train; all without")
      ->check(CLI::IsMember({"ops", "dit", "vae", "play", "train"}));
  command->add_option("--model", options->model, "A model's folder or name")->capture_default_str();
  command->add_option("--warm-ups", options->effort.warm_ups, "Runs before the clock starts")
      ->check(CLI::Range(0, 10000))
      ->capture_default_str();
  command->add_option("--repetitions", options->effort.repetitions, "Timed runs")
      ->check(CLI::Range(1, 1000000))
      ->capture_default_str();
  command
      ->add_option("--max-seconds", options->effort.max_seconds,
                   "Stop a row after this time, with the runs it has (at least three)")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_flag("--json", options->use_json, "Print one JSON document");
  command->footer(
      "Examples:\n  mw bench                     every row\n"
      "  mw bench dit --json          one part, for a script\n"
      "Medians (95th percentiles). One thread per operation as in play, `mw bench train` alone "
      "with all;\n"
      "OMP_NUM_THREADS sets another number.");
  command->callback([options] { bench(*options); });
}

}  // namespace mw::app
