// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <utility>

#include "apps/mw/commands.h"
#include "apps/mw/model_card.h"
#include "apps/mw/train_run.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/data/dataset.h"
#include "mw/models/text/tokenizer.h"
#include "mw/train/base_objective.h"
#include "mw/train/frame_vae_objective.h"

namespace mw::app {
namespace {

/// What a run is set to: the trainer in section `run`, what it trains in a section of its own.
template <class Part>
struct RunConfig {
  const char* section = "";
  train::TrainerConfig run = {};
  Part part = {};

  template <class Visitor>
  void visit(Visitor& field) {
    field.section("run", run);
    field.section(section, part);
  }
};

/// Trains with resolved settings, which are also there as text.
template <class Part>
using Train = void (*)(const TrainOptions& options, const RunConfig<Part>& config,
                       const std::string& resolved);

/// Resolves the settings; prints them or trains.
template <class Part>
void configure(const TrainOptions& options, const char* section, Train<Part> train) {
  RunConfig<Part> config{.section = section};
  read_settings(options).apply_to(config);
  const std::string resolved = ConfigPrinter::print(config);
  if (options.show_config) {
    std::printf("%s", resolved.c_str());
    return;
  }
  if (options.out.empty()) {
    throw Error(ErrorCode::kInvalidArgument, "train: --out names no folder for the run");
  }
  if (config.part.data.empty()) {
    throw Error(ErrorCode::kConfig,
                concat_message("config: '", section, ".data' names no data set; say --set ",
                               section, ".data=FOLDER"));
  }
  train(options, config, resolved);
}

void train_vae(const TrainOptions& options, const RunConfig<train::FrameVAETrainingConfig>& config,
               const std::string& resolved) {
  const auto seed = static_cast<uint64_t>(config.run.seed);
  const std::filesystem::path data = user_path(config.part.data);
  train::FrameBank bank =
      train::FrameBank::read(data, "train", config.part.frame_stride, config.part.max_frames, seed);
  train::FrameBank held_out = train::FrameBank::read(data, "val", 9, 2000, seed);
  const std::string summary =
      concat_message(bank.size(), " training frames, ", held_out.size(), " held out");
  train::FrameVAEObjective objective(config.part, std::move(bank), std::move(held_out),
                                     config.run.steps, seed);
  if (options.export_to.empty()) {
    run_training(options, config.run, resolved, summary, objective);
  } else {
    train::Trainer(config.run, objective, options.out, /*resume=*/true)
        .export_model(user_path(options.export_to));
  }
}

void train_base(const TrainOptions& options, const RunConfig<train::BaseTrainingConfig>& config,
                const std::string& resolved) {
  const std::filesystem::path data = user_path(config.part.data);
  train::EncodedBank bank = train::EncodedBank::read(data, "train");
  train::EncodedBank held_out = train::EncodedBank::read(data, "val");
  const int64_t num_clips = bank.num_clips(), num_frames = bank.num_frames(),
                num_held_out = held_out.num_clips();
  train::BaseObjective objective(
      config.part, std::move(bank), std::move(held_out),
      prior::CameraPriorConfig::read(data / "encoded" / "camera_prior" / "config.json"),
      static_cast<uint64_t>(config.run.seed));
  if (options.export_to.empty()) {
    const std::string summary =
        concat_message(num_clips, " training clips of ", num_frames, " frames, ", num_held_out,
                       " held-out clips; ", objective.parameters().num_parameters(), " parameters");
    run_training(options, config.run, resolved, summary, objective);
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
                 .init_from = config.part.init_from,
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
    const data::Dataset dataset(user_path(options->data));
    std::vector<std::string> captions;
    for (const std::string& id : dataset.split("train")) {
      const std::string caption = dataset.caption(id);
      if (!caption.empty()) captions.push_back(caption);
    }
    MW_CHECK(!captions.empty(), "train text: no clip of split 'train' in '", options->data,
             "' has a caption");
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

template <class Part>
void add_trainer(CLI::App& parent, const char* name, const char* help, const char* examples,
                 Train<Part> train) {
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
  command->callback([options, name, train] { configure<Part>(*options, name, train); });
}

}  // namespace

void add_train(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("train", "Train the parts of a world model");
  command->require_subcommand(1);
  add_trainer<train::FrameVAETrainingConfig>(*command, "vae", "The frame autoencoder", kVAEExamples,
                                             train_vae);
  add_text_trainer(*command);
  add_trainer<train::BaseTrainingConfig>(*command, "base", "The world model's transformer",
                                         kBaseExamples, train_base);
  command->footer(
      "Example:\n  mw train vae --config configs/overworld_vae.toml --out runs/vae\n"
      "  mw train vae --config configs/overworld_vae.toml --out runs/vae --resume\n"
      "Ctrl-C saves and stops; --resume goes on bit-exactly.");
}

}  // namespace mw::app
