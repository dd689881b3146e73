// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <utility>

#include "apps/mw/commands.h"
#include "apps/mw/model_card.h"
#include "apps/mw/train_run.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/data/dataset_info.h"
#include "mw/models/text/tokenizer.h"
#include "mw/train/base_objective.h"
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
  if (options.export_to.empty()) {
    run_training(options, config.run, resolved, objective);
  } else {
    train::Trainer(config.run, objective, options.out, /*resume=*/true)
        .export_model(user_path(options.export_to));
  }
}

struct BaseRunConfig {
  train::TrainerConfig run;
  train::BaseTrainingConfig base;
  template <class Visitor>
  void visit(Visitor& field) {
    field.section("run", run);
    field.section("base", base);
  }
};

void train_base(const TrainOptions& options) {
  BaseRunConfig config;
  read_settings(options).apply_to(config);
  const std::string resolved = ConfigPrinter::print(config);
  if (options.show_config) {
    std::printf("%s", resolved.c_str());
    return;
  }
  const std::filesystem::path data = user_path(config.base.data);
  train::EncodedBank bank = train::EncodedBank::read(data, "train");
  train::EncodedBank held_out = train::EncodedBank::read(data, "val");
  const int64_t num_clips = bank.num_clips(), num_frames = bank.num_frames();
  std::fprintf(stderr, "%lld training clips of %lld frames, %lld held-out clips\n",
               static_cast<long long>(num_clips), static_cast<long long>(num_frames),
               static_cast<long long>(held_out.num_clips()));
  train::BaseObjective objective(
      config.base, std::move(bank), std::move(held_out),
      prior::CameraPriorConfig::read(data / "encoded" / "camera_prior" / "config.json"),
      static_cast<uint64_t>(config.run.seed));
  std::fprintf(stderr, "%.2f M parameters\n",
               static_cast<double>(objective.parameters().num_parameters()) / 1e6);
  if (options.export_to.empty()) {
    run_training(options, config.run, resolved, objective);
    return;
  }
  const std::filesystem::path folder = user_path(options.export_to);
  train::Trainer trainer(config.run, objective, options.out, /*resume=*/true);
  ModelCard card{.name = folder.filename().string(),
                 .dataset = data,
                 .num_clips = num_clips,
                 .num_frames = num_frames,
                 .num_parameters = objective.parameters().num_parameters(),
                 .steps = trainer.step(),
                 .hours = trainer.seconds() / 3600,
                 .seed = config.run.seed,
                 .init_from = config.base.init_from,
                 .figures = trainer.validate()};
  trainer.export_model(folder);
  write_model_card(card, folder);
  std::printf("%s: step %lld of %s\n", folder.c_str(), static_cast<long long>(trainer.step()),
              options.out.c_str());
}

void add_text_trainer(CLI::App& parent) {
  struct Options {
    std::string data, out;
    int64_t vocab_size = 384;
  };
  CLI::App* command =
      parent.add_subcommand("text", "The tokenizer: pieces of the captions of a data set");
  auto options = std::make_shared<Options>();
  command->add_option("--data", options->data, "Data-set folder")->required();
  command->add_option("--out", options->out, "Model file to write, usually spiece.model")
      ->required();
  command->add_option("--vocab-size", options->vocab_size, "Most pieces")
      ->check(CLI::Range(32, 32000));
  command->footer(
      "Example:\n  mw train text --data ~/.cache/microworld/data/overworld --out spiece.model\n"
      "The encoder itself learns with the transformer: mw train base --set base.tokenizer=FILE.");
  command->callback([options] {
    const data::DatasetPaths paths{user_path(options->data)};
    const data::Splits splits = data::read_splits(paths.splits());
    const auto all = data::read_captions(paths.captions());
    std::vector<std::string> captions;
    for (const std::string& id :
         splits.count("train") != 0 ? splits.at("train") : std::vector<std::string>()) {
      if (all.count(id) != 0) captions.push_back(all.at(id));
    }
    text::train_tokenizer(captions, options->vocab_size, user_path(options->out));
    std::printf("%zu captions, %lld pieces in %s\n", captions.size(),
                static_cast<long long>(text::Tokenizer(user_path(options->out)).vocab_size()),
                options->out.c_str());
  });
}

constexpr const char* kVAEExamples = R"(Examples:
  mw train vae --config configs/overworld_vae.toml --set vae.data=data/mine --out runs/vae
  mw train vae --config configs/overworld_vae.toml --out runs/vae --resume
  mw train vae --show-config                             every setting, with its meaning)";

constexpr const char* kBaseExamples = R"(Examples (first mw data encode):
  mw train base --config configs/overworld_base.toml --set base.data=data/mine --out runs/base
  mw train base --config configs/overworld_base.toml --out runs/base --resume
  mw train base --config configs/overworld_base.toml --out runs/base --export models/mine)";

void add_trainer(CLI::App& parent, const char* name, const char* help, const char* examples,
                 void (*train)(const TrainOptions&)) {
  CLI::App* command = parent.add_subcommand(name, help);
  auto options = std::make_shared<TrainOptions>();
  command->add_option("--config", options->config, "TOML file of settings (see configs/)");
  command->add_option("--set", options->settings, "Override one setting: section.key=value");
  command->add_option("--out", options->out,
                      "Folder of the run: checkpoint, curves, samples, model");
  command->add_flag("--resume", options->resume, "Go on from the folder's checkpoint");
  command->add_option("--export", options->export_to,
                      "Train no further: write the run's model into this folder");
  command->add_flag("--show-config", options->show_config, "Print the resolved settings and stop");
  command->footer(examples);
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
  add_trainer(*command, "vae", "The frame autoencoder", kVAEExamples, train_vae);
  add_text_trainer(*command);
  add_trainer(*command, "base", "The world model's transformer", kBaseExamples, train_base);
  command->footer(
      "Example:\n  mw train vae --config configs/overworld_vae.toml --out runs/vae\n"
      "  mw train vae --config configs/overworld_vae.toml --out runs/vae --resume\n"
      "Ctrl-C saves and stops; --resume goes on bit-exactly.");
}

}  // namespace mw::app
