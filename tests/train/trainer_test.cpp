// SPDX-License-Identifier: Apache-2.0
#include "mw/train/trainer.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::train {
namespace {

/// Learns a fixed matrix from noisy examples: Muon on one factor, AdamW on the other and the bias.
class FactorObjective : public Objective {
 public:
  FactorObjective()
      : store_({{"first", test::random_tensor({6, 4}, 1).mul(0.5)},
                {"second", test::random_tensor({3, 6}, 2).mul(0.5)},
                {"bias", test::random_tensor({3}, 3)}}),
        wanted_(test::random_tensor({3, 4}, 4)) {}

  nn::ParameterStore& parameters() override { return store_; }
  bool is_block_matrix(const std::string& name) const override { return name == "first"; }

  at::Tensor loss(int64_t /*step*/, at::Generator& random, Scalars& figures) override {
    const at::Tensor x = at::randn({4, 16}, random, at::TensorOptions(at::kFloat));
    const auto& w = store_.tensors();
    const at::Tensor y =
        w.at("second").matmul(w.at("first").matmul(x)).add(w.at("bias").unsqueeze(1));
    figures["largest"] = y.abs().max().item<double>();
    return at::mse_loss(y, wanted_.matmul(x));
  }

  Scalars validate() override {
    const auto& w = store_.tensors();
    const at::Tensor error = w.at("second").matmul(w.at("first")).sub(wanted_);
    return {{"error", error.pow(2).mean().item<double>()}};
  }

  void export_model(const std::filesystem::path& folder) override {
    store_.save(folder / "model.safetensors");
  }

 private:
  nn::ParameterStore store_;
  at::Tensor wanted_;
};

TrainerConfig small_run(int64_t steps) {
  TrainerConfig config;
  config.steps = steps;
  config.ema_decay = 0.9;
  config.use_bf16 = false;
  config.log_every = 5;
  config.validate_every = 0;
  config.optimizer.learning_rate = 2e-2;
  config.schedule.warmup_steps = 5;
  return config;
}

const auto kSilent = [](const Progress&) {};

void expect_equal(const nn::TensorMap& a, const nn::TensorMap& b) {
  ASSERT_EQ(a.size(), b.size());
  for (const auto& [name, tensor] : a) {
    SCOPED_TRACE(name);
    EXPECT_TENSOR_NEAR(tensor, b.at(name), test::kExact);
  }
}

TEST(TrainerTest, LearnsAndReports) {
  const test::ScratchFolder folder;
  FactorObjective objective;
  Trainer trainer(small_run(300), objective, folder.path(), false);
  EXPECT_GT(trainer.validate().at("error"), 0.3);
  std::vector<Progress> seen;
  EXPECT_TRUE(trainer.run([&](const Progress& progress) { seen.push_back(progress); }));
  EXPECT_LT(trainer.validate().at("error"), 1e-3);
  ASSERT_EQ(seen.size(), 61u);  // Every fifth update, and the validation at the end.
  EXPECT_EQ(seen[0].step, 5);
  EXPECT_EQ(seen[0].figures.count("largest"), 1u);
  EXPECT_TRUE(seen.back().is_validation);
  EXPECT_EQ(seen.back().seconds_remaining, 0);
}

TEST(TrainerTest, ResumesBitExactly) {
  const test::ScratchFolder whole, halves;
  for (const bool use_bf16 : {false, true}) {
    SCOPED_TRACE(use_bf16);
    TrainerConfig config = small_run(20);
    config.use_bf16 = use_bf16;
    config.accumulation = 2;
    FactorObjective objective;
    ASSERT_TRUE(Trainer(config, objective, whole.path(), false).run(kSilent));
    {
      FactorObjective first;
      Trainer trainer(config, first, halves.path(), false);
      ASSERT_FALSE(trainer.run(kSilent, [&] { return trainer.step() == 13; }));
    }
    FactorObjective second;
    Trainer trainer(config, second, halves.path(), true);
    EXPECT_EQ(trainer.step(), 13);
    ASSERT_TRUE(trainer.run(kSilent));

    const Checkpoint a = Checkpoint::read(whole / "checkpoint.safetensors");
    const Checkpoint b = Checkpoint::read(halves / "checkpoint.safetensors");
    EXPECT_EQ(a.step, b.step);
    expect_equal(a.weights, b.weights);
    expect_equal(a.averaged, b.averaged);
    expect_equal(a.optimizer, b.optimizer);
    EXPECT_TENSOR_NEAR(a.random, b.random, test::kExact);
    EXPECT_EQ(test::read_bytes(whole / "model/model.safetensors"),
              test::read_bytes(halves / "model/model.safetensors"));
  }
}

TEST(TrainerTest, AverageFollowsItsRecurrence) {
  const test::ScratchFolder folder;
  FactorObjective objective;
  Trainer trainer(small_run(40), objective, folder.path(), false);
  const at::Tensor& weight = objective.parameters().tensors().at("second");
  at::Tensor wanted = weight.detach().clone();
  for (int step = 0; step < 12; ++step) {
    trainer.update();
    const double decay = std::min(0.9, (1.0 + step) / (10.0 + step));
    wanted = wanted.mul(decay).add(weight.detach(), 1 - decay);
  }
  EXPECT_TENSOR_NEAR(trainer.averaged().at("second"), wanted, test::kFp32Reordered);
  const at::Tensor live = weight.detach().clone();
  trainer.validate();  // Swaps the average in, and out again.
  EXPECT_TENSOR_NEAR(weight.detach(), live, test::kExact);
}

TEST(TrainerTest, AccumulationAveragesBatches) {
  // Sixteen examples in one batch and twice the same eight would differ; two equal updates must
  // not.
  const test::ScratchFolder folder;
  TrainerConfig config = small_run(1);
  config.accumulation = 3;
  FactorObjective accumulated, reference;
  Trainer trainer(config, accumulated, folder.path(), false);
  const Scalars figures = trainer.update();

  Optimizer optimizer(
      config.optimizer, reference.parameters(), [](const std::string&) { return false; },
      [&](const std::string& name) { return reference.is_block_matrix(name); });
  at::Generator random = at::detail::createCPUGenerator(1);
  Scalars ignored;
  at::Tensor sum;
  for (int part = 0; part < 3; ++part) {
    const at::Tensor loss = reference.loss(0, random, ignored);
    sum = sum.defined() ? sum.add(loss) : loss;
  }
  sum.div(3).backward();
  optimizer.step(learning_rate_factor(config.schedule, 0, 1));
  EXPECT_NEAR(figures.at("loss"), sum.item<double>() / 3, 1e-5);
  for (const auto& [name, tensor] : reference.parameters().tensors()) {
    SCOPED_TRACE(name);
    EXPECT_TENSOR_NEAR(accumulated.parameters().tensors().at(name), tensor, test::kFp32Reordered);
  }
}

TEST(TrainerTest, TimeLimitStopsResumably) {
  const test::ScratchFolder folder;
  TrainerConfig config = small_run(1000000);
  config.max_minutes = 1e-9;
  FactorObjective objective;
  Trainer trainer(config, objective, folder.path(), false);
  EXPECT_FALSE(trainer.run(kSilent));
  EXPECT_EQ(trainer.step(), 1);
  EXPECT_EQ(Checkpoint::read(folder / "checkpoint.safetensors").step, 1);
  EXPECT_TRUE(std::filesystem::exists(folder / "model/model.safetensors"));
}

TEST(TrainerTest, CheckpointOfAnotherModelIsRefused) {
  const test::ScratchFolder folder;
  FactorObjective objective;
  EXPECT_ERROR(Trainer(small_run(5), objective, folder.path(), true), ErrorCode::kIo,
               "checkpoint.safetensors");
  Trainer(small_run(5), objective, folder.path(), false).write_checkpoint();
  Checkpoint checkpoint = Checkpoint::read(folder / "checkpoint.safetensors");
  checkpoint.weights.erase("second");
  checkpoint.write(folder / "checkpoint.safetensors");
  EXPECT_ERROR(Trainer(small_run(5), objective, folder.path(), true), ErrorCode::kWeights,
               "no weight 'second'");
}

}  // namespace
}  // namespace mw::train
