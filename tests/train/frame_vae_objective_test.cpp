// SPDX-License-Identifier: Apache-2.0
#include "mw/train/frame_vae_objective.h"

#include <gtest/gtest.h>

#include "mw/train/trainer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::train {
namespace {

constexpr double kLossParity = 2e-4;  // Ten updates in another library, each built on the last.

FrameBank golden_bank(const nn::TensorMap& golden) {
  return {.frames = golden.at("frames").clone(), .depth = golden.at("depth").clone()};
}

/// The sizes that `tools/goldens/train.py` uses.
FrameVAETrainingConfig small_config() {
  FrameVAETrainingConfig config;
  config.batch = 4;
  config.crop = 16;
  config.full_frames_from = 0.7;
  config.full_frames_batch = 2;
  config.widths = {8, 8, 12};
  config.encoder_blocks = {1, 1, 1};
  config.decoder_blocks = {1, 1, 1};
  return config;
}

TrainerConfig small_run(int64_t steps) {
  TrainerConfig config;
  config.steps = steps;
  config.use_bf16 = false;
  config.seed = 7;
  config.optimizer.learning_rate = 2e-3;
  config.optimizer.weight_decay = 1e-3;
  config.schedule.warmup_steps = 3;
  return config;
}

TEST(FrameVAEObjectiveTest, FirstTenLossesEqualPyTorchs) {
  const test::ScratchFolder folder;
  const nn::TensorMap golden = test::load_golden("train/frame_vae");
  FrameVAETrainingConfig config = small_config();
  {
    const std::filesystem::path vae = folder / "vae";
    std::filesystem::create_directories(vae);
    vae::FrameVAEConfig model;
    model.widths = config.widths;
    model.encoder_blocks = config.encoder_blocks;
    model.decoder_blocks = config.decoder_blocks;
    model.write(vae / "config.json");
    nn::TensorMap weights;
    for (const auto& [name, tensor] : golden) {
      if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
    }
    nn::write_tensors(vae / "diffusion_pytorch_model.safetensors", weights);
    config.init_from = vae.string();
  }
  FrameVAEObjective objective(config, golden_bank(golden), golden_bank(golden), 10, 1);
  Trainer trainer(small_run(10), objective, folder / "run", false);
  const at::Tensor& losses = golden.at("losses");
  for (int64_t step = 0; step < losses.size(0); ++step) {
    SCOPED_TRACE(step);
    EXPECT_NEAR(trainer.update().at("loss"), losses[step].item<double>(), kLossParity);
  }
}

TEST(FrameVAEObjectiveTest, OverfitsOneBatchAndExportsItsStatistics) {
  const test::ScratchFolder folder;
  FrameBank bank = golden_bank(test::load_golden("train/frame_vae"));
  bank.frames = bank.frames.narrow(0, 0, 2);
  bank.depth = bank.depth.narrow(0, 0, 2);
  FrameVAETrainingConfig config = small_config();
  config.full_frames_from = 0;
  config.latent_noise = 0.02;
  TrainerConfig run = small_run(200);
  run.use_bf16 = true;
  run.ema_decay = 0.9;
  run.optimizer.learning_rate = 4e-3;
  FrameVAEObjective objective(config, bank, bank, run.steps, 1);
  Trainer trainer(run, objective, folder.path(), false);
  const double first = trainer.validate().at("psnr");
  const double first_loss = trainer.update().at("loss");
  double loss = 0;
  while (trainer.step() < run.steps) loss = trainer.update().at("loss");
  EXPECT_LT(loss, 0.2 * first_loss);
  EXPECT_GT(trainer.validate().at("psnr"), first + 10);

  trainer.export_model(folder / "model");
  const vae::FrameVAE model = vae::FrameVAE::load(folder / "model");
  const at::Tensor pixels = bank.frames.to(at::kFloat).div(127.5).sub(1);
  const at::Tensor latents = model.encode(pixels).transpose(0, 1).flatten(1);  // [16, n]
  EXPECT_LT(latents.mean(1).abs().max().item<double>(), 0.02);
  EXPECT_LT(latents.std(1).sub(1).abs().max().item<double>(), 0.02);
}

TEST(FrameVAEObjectiveTest, FrozenEncoderKeepsLatents) {
  const test::ScratchFolder folder;
  const FrameBank bank = golden_bank(test::load_golden("train/frame_vae"));
  TrainerConfig run = small_run(4);
  FrameVAEObjective first(small_config(), bank, bank, run.steps, 1);
  Trainer(run, first, folder / "first", false).export_model(folder / "vae");

  FrameVAETrainingConfig config = small_config();
  config.init_from = (folder / "vae").string();
  config.freeze_encoder = true;
  FrameVAEObjective second(config, bank, bank, run.steps, 2);
  Trainer trainer(run, second, folder / "second", false);
  trainer.update();
  trainer.update();
  trainer.export_model(folder / "tuned");

  const at::Tensor pixels = bank.frames.to(at::kFloat).div(127.5).sub(1);
  const vae::FrameVAE before = vae::FrameVAE::load(folder / "vae");
  const vae::FrameVAE after = vae::FrameVAE::load(folder / "tuned");
  const at::Tensor latents = before.encode(pixels);
  EXPECT_TENSOR_NEAR(after.encode(pixels), latents, test::kExact);
  EXPECT_GT(after.depth(latents).sub(before.depth(latents)).abs().max().item<double>(), 1e-5);
  EXPECT_GT(after.decode(latents).sub(before.decode(latents)).abs().max().item<double>(), 1e-4);
}

TEST(FrameVAEObjectiveTest, BadCropIsNamed) {
  const FrameBank bank = golden_bank(test::load_golden("train/frame_vae"));
  FrameVAETrainingConfig config = small_config();
  config.crop = 20;
  EXPECT_ERROR(FrameVAEObjective(config, bank, bank, 10, 1), ErrorCode::kInvalidArgument,
               "crop must be a multiple of 8");
}

}  // namespace
}  // namespace mw::train
