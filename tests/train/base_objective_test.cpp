// SPDX-License-Identifier: Apache-2.0
#include "mw/train/base_objective.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "mw/models/text/tokenizer.h"
#include "mw/train/trainer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::train {
namespace {

constexpr int64_t kRows = 4, kColumns = 6;

/// A clip whose latents drift by a pattern of its own; hints are the frames before.
EncodedClip drifting_clip(int64_t frames, uint64_t seed) {
  const at::Tensor start = test::random_tensor({1, 16, kRows, kColumns}, seed);
  const at::Tensor drift = test::random_tensor({1, 16, kRows, kColumns}, seed + 100).mul(0.3);
  EncodedClip clip;
  clip.latents =
      start.add(drift.mul(at::arange(frames, at::kFloat).view({-1, 1, 1, 1}))).to(at::kHalf);
  clip.hints = at::cat(
      {at::zeros({1, 16, kRows, kColumns}, at::kHalf), clip.latents.narrow(0, 0, frames - 1)});
  clip.mask = at::ones({frames, 4, kRows, kColumns}, at::kHalf);
  clip.mask[0].zero_();
  clip.parallax = at::ones({frames, 1, kRows, kColumns}, at::kHalf);
  clip.classes = at::arange(frames, at::kLong).remainder(3);
  clip.keyboard = at::arange(frames, at::kFloat).unsqueeze(1).expand({frames, 7}).contiguous();
  clip.mouse = clip.keyboard.narrow(1, 0, 2).contiguous();
  clip.poses = at::zeros({frames, 5}, at::kDouble);
  clip.caption = "drift";
  return clip;
}

BaseTrainingConfig small_model() {
  BaseTrainingConfig config;
  config.dim = 48;
  config.num_layers = 2;
  config.num_heads = 2;
  config.ffn_dim = 96;
  config.action_dim = 32;
  config.text_dim = 8;
  config.text_len = 4;
  config.frames = 3;
  config.batch = 4;
  config.validation_windows = 6;
  return config;
}

EncodedBank small_bank(uint64_t seed) {
  return EncodedBank({drifting_clip(8, seed), drifting_clip(11, seed + 1)});
}

TEST(EncodedBankTest, WindowsStayWithinClipsAndBringTheirActions) {
  const EncodedBank bank = small_bank(1);
  EXPECT_EQ(bank.num_frames(), 19);
  const at::Tensor starts = bank.window_starts(6);
  EXPECT_TENSOR_NEAR(starts, at::tensor({0, 1, 2, 8, 9, 10, 11, 12, 13}, at::kLong), test::kExact);
  const WindowBatch batch = bank.windows(at::tensor({1, 8, 12}, at::kLong), 6);
  EXPECT_EQ(batch.latents.sizes(), (std::vector<int64_t>{3, 16, 6, kRows, kColumns}));
  EXPECT_TENSOR_NEAR(batch.latents[2].select(1, 5), bank.latents()[17].to(at::kFloat),
                     test::kExact);
  // Row k of these clips holds k; before a clip there are zeros.
  const at::Tensor rows = batch.keyboard.select(2, 0);
  EXPECT_TENSOR_NEAR(rows,
                     at::tensor({0.F, 0.F, 0.F, 1.F, 2.F, 3.F, 4.F, 5.F, 6.F,  //
                                 0.F, 0.F, 0.F, 0.F, 1.F, 2.F, 3.F, 4.F, 5.F,  //
                                 1.F, 2.F, 3.F, 4.F, 5.F, 6.F, 7.F, 8.F, 9.F})
                         .view({3, 9}),
                     test::kExact);
  EXPECT_EQ(batch.mask[1].select(1, 0).sum().item<double>(), 0);
}

TEST(EncodedClipTest, ReadsWhatItWrote) {
  const test::ScratchFolder folder;
  const EncodedClip clip = drifting_clip(5, 3);
  clip.write(folder / "clip.safetensors");
  const EncodedClip read = EncodedClip::read(folder / "clip.safetensors");
  EXPECT_TENSOR_NEAR(read.latents, clip.latents, test::kExact);
  EXPECT_TENSOR_NEAR(read.poses, clip.poses, test::kExact);
  EXPECT_EQ(read.caption, "drift");
  nn::write_tensors(folder / "half.safetensors", {{"latents", clip.latents}});
  EXPECT_ERROR(EncodedClip::read(folder / "half.safetensors"), ErrorCode::kFormat, "hints");
}

TEST(BaseObjectiveTest, TheTextEncoderLearnsAlong) {
  const test::ScratchFolder folder;
  text::train_tokenizer({"drift", "a drift by day"}, 40, folder / "spiece.model");
  BaseTrainingConfig config = small_model();
  config.tokenizer = (folder / "spiece.model").string();
  config.text_dropout = 0;
  BaseObjective objective(config, small_bank(1), small_bank(1), {}, 1);
  TrainerConfig run;
  run.steps = 3;
  run.use_bf16 = false;
  const at::Tensor weight =
      objective.parameters().tensors().at("text_encoder.blocks.0.attn.v.weight");
  const at::Tensor before = weight.detach().clone();
  Trainer trainer(run, objective, folder / "run", false);
  for (int i = 0; i < 3; ++i) trainer.update();  // The head starts at zero: its turn comes first.
  EXPECT_GT(weight.sub(before).abs().max().item<double>(), 1e-6);
}

TEST(BaseObjectiveTest, AnUntrainedNetworkIsTheBarePrior) {
  BaseObjective objective(small_model(), small_bank(1), small_bank(1), {}, 1);
  const Scalars figures = objective.validate();
  for (const char* name : {"still", "look", "walk"}) {
    const std::string text = name;
    EXPECT_NEAR(figures.at(text), figures.at(text + "_prior"), 1e-4) << name;
    EXPECT_GT(figures.at(text + "_repeat"), 0) << name;
  }
}

TEST(BaseObjectiveTest, LearnsToBeatThePrior) {
  const test::ScratchFolder folder;
  BaseTrainingConfig config = small_model();
  config.hint_noise = 0;
  config.hint_dropout = 0;
  BaseObjective objective(config, small_bank(1), small_bank(1), {}, 1);
  TrainerConfig run;
  run.steps = 120;
  run.ema_decay = 0.9;
  run.use_bf16 = false;
  run.optimizer.learning_rate = 3e-3;
  Trainer trainer(run, objective, folder.path(), false);
  for (int64_t i = 0; i < run.steps; ++i) trainer.update();
  const Scalars figures = trainer.validate();
  EXPECT_LT(figures.at("error"), 0.5 * figures.at("error_prior"));
}

// Six updates of AdamW on drawn windows, noise levels and noise, against the same in PyTorch.
TEST(BaseObjectiveTest, FirstLossesEqualPyTorchs) {
  const test::ScratchFolder folder;
  const nn::TensorMap golden = test::load_golden("train/base");
  const auto of_clip = [&](const char* name) { return golden.at(std::string("clip.") + name); };
  const EncodedBank bank({{.latents = of_clip("latents"),
                           .hints = of_clip("hints"),
                           .mask = of_clip("mask"),
                           .parallax = of_clip("parallax"),
                           .classes = of_clip("classes"),
                           .keyboard = of_clip("keyboard"),
                           .mouse = of_clip("mouse"),
                           .poses = of_clip("poses"),
                           .caption = ""}});
  prior::CameraPriorConfig prior;  // The golden's, whatever the defaults are.
  prior.still_variance = 0.01;
  prior.look_variance = 0.04;
  prior.unseen_variance = 0.8;
  prior.parallax_edges = {0.5, 1, 2, 4};
  prior.walk_variances = {0.05, 0.1, 0.2, 0.3, 0.4};
  BaseObjective objective(small_model(), bank, bank, prior, 1);
  size_t num_weights = 0;
  for (const auto& [name, tensor] : objective.parameters().tensors()) {
    tensor.copy_(golden.at("weights." + name));
    ++num_weights;
  }
  EXPECT_EQ(num_weights + 9, golden.size());  // All of them, eight tensors of the clip, the losses.
  TrainerConfig run;
  run.steps = 6;
  run.seed = 7;
  run.use_bf16 = false;
  run.optimizer.learning_rate = 2e-3;
  run.optimizer.muon_learning_rate = 0;
  run.schedule.warmup_steps = 3;
  run.schedule.decay = "constant";
  Trainer trainer(run, objective, folder / "run", false);
  const at::Tensor& losses = golden.at("losses");
  for (int64_t step = 0; step < losses.size(0); ++step) {
    EXPECT_NEAR(trainer.update().at("loss"), losses[step].item<double>(), 2e-5) << "step " << step;
  }
}

TEST(BaseObjectiveTest, NoCorrectionIsTheBarePrior) {
  BaseTrainingConfig config = small_model();
  config.correction = 0;
  BaseObjective objective(config, small_bank(1), small_bank(1), {}, 1);
  for (const auto& [name, tensor] : objective.parameters().tensors()) tensor.add_(0.1);
  const Scalars figures = objective.validate();
  EXPECT_NEAR(figures.at("walk"), figures.at("walk_prior"), 1e-4);
}

TEST(BaseObjectiveTest, MuonMovesTheMatricesOfBlocksOnly) {
  const BaseObjective objective(small_model(), small_bank(1), small_bank(1), {}, 1);
  EXPECT_TRUE(objective.is_block_matrix("blocks.0.self_attn.q.weight"));
  EXPECT_TRUE(objective.is_block_matrix("blocks.1.ffn.2.weight"));
  EXPECT_FALSE(objective.is_block_matrix("blocks.0.self_attn.q.bias"));
  EXPECT_FALSE(objective.is_block_matrix("blocks.0.action_adaLN_modulation.1.weight"));
  EXPECT_FALSE(objective.is_block_matrix("head.head.weight"));
}

TEST(MeasuredVariancesTest, AreMeansOverTheirBins) {
  EncodedClip clip = drifting_clip(4, 1);
  // Frames 1..3 are look, walk, still; errors 0.1, 0.2, 0.3 squared.
  for (int64_t f = 1; f < 4; ++f) {
    clip.hints[f].copy_(clip.latents[f].to(at::kFloat).add(0.1 * static_cast<double>(f)));
  }
  clip.parallax.fill_(1.5);
  const prior::CameraPriorConfig measured =
      with_measured_variances(prior::CameraPriorConfig(), EncodedBank({clip}));
  EXPECT_NEAR(measured.look_variance, 0.01, 1e-3);
  EXPECT_NEAR(measured.walk_variances[2], 0.04, 2e-3);  // Parallax between 1 and 2.
  EXPECT_NEAR(measured.still_variance, 0.09, 3e-3);
  EXPECT_EQ(measured.walk_variances[0], prior::CameraPriorConfig().walk_variances[0]);
}

/// An autoencoder of random weights at the clips' size.
vae::FrameVAE random_vae() {
  nn::ParameterStore store = nn::ParameterStore::created(5);
  return vae::FrameVAE({}, nn::WeightScope(store));
}

TEST(RolloutPoolTest, APerfectModelPlaysTheRecording) {
  const EncodedBank bank({drifting_clip(30, 1)});
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(uint64_t{3});
  RolloutPool pool(bank, 2, 3, 6, random);
  const prior::CameraPrior prior{prior::CameraPriorConfig()};
  for (int i = 0; i < 12; ++i) {
    // The velocity that leads from the noisy latents to the recorded ones.
    const auto perfect = [](const WindowBatch& batch, const at::Tensor& noisy, const at::Tensor&) {
      return noisy.sub(batch.latents);
    };
    pool.advance(perfect, random_vae(), prior, 0.05, random);
    EXPECT_TENSOR_NEAR(pool.played(), pool.batch().latents, 1e-5) << "frame " << i;
  }
}

TEST(RolloutPoolTest, HintsComeFromPlayedFramesAndTheStateGoesOn) {
  const EncodedBank bank({drifting_clip(30, 1)});
  at::Generator random = at::make_generator<at::CPUGeneratorImpl>(uint64_t{3});
  RolloutPool pool(bank, 1, 3, 20, random);
  const prior::CameraPrior prior{prior::CameraPriorConfig()};
  const auto to_zero = [](const WindowBatch&, const at::Tensor& noisy, const at::Tensor&) {
    return noisy;
  };
  pool.advance(to_zero, random_vae(), prior, 0.05, random);
  EXPECT_EQ(pool.played().select(2, 2).abs().max().item<double>(), 0);
  pool.advance(to_zero, random_vae(), prior, 0.05, random);
  // The camera stands still in these clips: the hint is the played frame, not the recorded one.
  EXPECT_EQ(pool.batch().hints.select(2, 2).abs().max().item<double>(), 0);

  RolloutPool other(bank, 1, 3, 20, random);
  other.load_state(pool.state());
  EXPECT_TENSOR_NEAR(other.batch().latents, pool.batch().latents, test::kExact);
  EXPECT_TENSOR_NEAR(other.played(), pool.played(), test::kExact);
  EXPECT_ERROR(other.load_state({}), ErrorCode::kWeights, "rollout state");
}

}  // namespace
}  // namespace mw::train
