// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/train_run.h"

#include <cstdio>

#include "apps/mw/interrupt.h"
#include "apps/mw/progress_line.h"
#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

namespace mw::app {
namespace {

std::string figures_text(const train::Scalars& figures) {
  std::string text;
  for (const auto& [name, value] : figures) {
    char part[64];
    std::snprintf(part, sizeof(part), "  %s %.4g", name.c_str(), value);
    text += part;
  }
  return text;
}

}  // namespace

ConfigSource read_settings(const TrainOptions& options) {
  ConfigSource source =
      options.config.empty() ? ConfigSource() : ConfigSource::from_file(options.config);
  for (const std::string& setting : options.settings) source.set(setting);
  return source;
}

void run_training(const TrainOptions& options, const train::TrainerConfig& config,
                  const std::string& resolved_config, const std::string& summary,
                  train::Objective& objective) {
  train::Trainer trainer(config, objective, options.out, options.resume);
  io::write_file(std::filesystem::path(options.out) / "config.txt", resolved_config);

  const std::atomic<bool>& is_interrupted = watch_interrupts();
  ProgressLine line;
  line.keep(summary);
  const bool is_complete = trainer.run(
      [&](const train::Progress& progress) {
        const std::string text =
            (progress.is_validation ? "held out " : "train ") + std::to_string(progress.step) +
            "/" + std::to_string(progress.num_steps) + "  " + duration_text(progress.seconds) +
            " (" + duration_text(progress.seconds_remaining) + " to go)" +
            figures_text(progress.figures);
        if (progress.is_validation) {
          line.keep(text);
        } else {
          line.show(text);
        }
      },
      [&] { return is_interrupted.load(); });
  std::printf("%s after %lld of %lld steps; model in %s/model\n",
              is_complete ? "complete" : "stopped", static_cast<long long>(trainer.step()),
              static_cast<long long>(config.steps), options.out.c_str());
}

}  // namespace mw::app
