// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <utility>

#include "apps/mw/commands.h"
#include "apps/mw/train_run.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/train/frame_vae_objective.h"

namespace mw::app {
namespace {

struct VaeRunConfig {
  train::TrainerConfig run;
  train::FrameVAETrainingConfig vae;
  template <class Visitor>
  void visit(Visitor& field) {
    field.section("run", run);
    field.section("vae", vae);
  }
};

void train_vae(const TrainOptions& options) {
  VaeRunConfig config;
  read_settings(options).apply_to(config);
  const std::string resolved = ConfigPrinter::print(config);
  if (options.show_config) {
    std::printf("%s", resolved.c_str());
    return;
  }
  const auto seed = static_cast<uint64_t>(config.run.seed);
  train::FrameBank bank = train::FrameBank::read(
      user_path(config.vae.data), "train", config.vae.frame_stride, config.vae.max_frames, seed);
  train::FrameBank held_out =
      train::FrameBank::read(user_path(config.vae.data), "val", 9, 2000, seed);
  std::fprintf(stderr, "%lld training frames, %lld held out\n", static_cast<long long>(bank.size()),
               static_cast<long long>(held_out.size()));
  train::FrameVAEObjective objective(config.vae, std::move(bank), std::move(held_out),
                                     config.run.steps, seed);
  run_training(options, config.run, resolved, objective);
}

void add_trainer(CLI::App& parent, const char* name, const char* help,
                 void (*train)(const TrainOptions&)) {
  CLI::App* command = parent.add_subcommand(name, help);
  auto options = std::make_shared<TrainOptions>();
  command->add_option("--config", options->config, "TOML file of settings (see configs/)");
  command->add_option("--set", options->settings, "Override one setting: section.key=value");
  command->add_option("--out", options->out,
                      "Folder of the run: checkpoint, curves, samples, model");
  command->add_flag("--resume", options->resume, "Go on from the folder's checkpoint");
  command->add_flag("--show-config", options->show_config, "Print the resolved settings and stop");
  command->callback([options, train] {
    if (!options->show_config && options->out.empty()) {
      throw Error(ErrorCode::kInvalidArgument, "train: --out names no folder for the run");
    }
    train(*options);
  });
}

}  // namespace

void add_train(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("train", "Train the parts of a world model");
  command->require_subcommand(1);
  add_trainer(*command, "vae", "The frame autoencoder", train_vae);
  command->footer(
      "Example:\n  mw train vae --config configs/overworld_vae.toml --out runs/vae\n"
      "  mw train vae --config configs/overworld_vae.toml --out runs/vae --resume\n"
      "Ctrl-C saves and stops; --resume goes on bit-exactly.");
}

}  // namespace mw::app
