// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/pipeline.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "mw/action/parse.h"
#include "mw/models/vae/pixels.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_pipeline.h"

namespace mw::engine {
namespace {

/// A tiny model of random weights and the clip that its reference makes: diffusers' pipelines for
/// t2v and i2v, a transcription of Micro-World for t2w and i2w; see tools/goldens/pipelines.py.
class PipelineTest : public ::testing::TestWithParam<const char*> {
 protected:
  void prepare(const std::string& task) {
    golden_ = test::load_golden("pipelines/" + task);
    const nn::Metadata told = nn::read_metadata(
        std::string(MW_SOURCE_DIR) + "/tests/goldens/pipelines/" + task + ".safetensors");
    const std::filesystem::path model = test::write_tiny_pipeline(task, scratch_.path());
    const bool is_micro_world = task.ends_with("w");
    layout_ = find_layout(model.string(),
                          {.base = is_micro_world ? (scratch_ / "base").string() : "", .task = ""});
    request_.prompt = told.at("prompt");
    request_.negative_prompt = told.at("negative_prompt");
    request_.guidance = std::stod(told.at("guidance"));
    request_.steps = std::stoi(told.at("steps"));
    request_.shift = 3;
    request_.num_frames = golden_.at("video").size(2);
    request_.size = {.width = golden_.at("video").size(4), .height = golden_.at("video").size(3)};
    request_.noise = golden_.at("noise");
    if (is_micro_world) request_.actions = action::parse_action_text(told.at("actions"));
    if (golden_.contains("image")) {
      const at::Tensor pixels = vae::to_pixels(golden_.at("image")).permute({2, 0, 1});
      request_.image = vae::to_image(pixels.unsqueeze(0));
    }
  }
  GeneratedClip generate(const ClipListener& listener = nullptr) const {
    const ClipPlan plan = plan_clip(layout_, request_);
    FolderParts parts(plan);
    return generate_clip(plan, parts, listener);
  }

  test::ScratchFolder scratch_;
  nn::TensorMap golden_;
  ModelLayout layout_;
  ClipRequest request_;
};

TEST_P(PipelineTest, MakesTheClipOfTheReference) {
  prepare(GetParam());
  const GeneratedClip clip = generate();
  EXPECT_TENSOR_NEAR(clip.latents, golden_.at("latents"), test::kFp32Parity);
  EXPECT_TENSOR_NEAR(clip.video, golden_.at("video"), test::kFp32Parity);
}

TEST_P(PipelineTest, Bfloat16IsCloseAndNotTheSame) {
  prepare(GetParam());
  request_.dtype = at::kBFloat16;
  const at::Tensor want = golden_.at("latents"), got = generate().latents;
  const double error = got.sub(want).square().mean().item<double>();
  EXPECT_GT(error, 0);
  // The references' own bfloat16 is 1e-4 to 2e-4 off on these models.
  EXPECT_LE(error / want.square().mean().item<double>(), 2 * test::kBf16Parity);
}

INSTANTIATE_TEST_SUITE_P(Tasks, PipelineTest, ::testing::Values("t2v", "i2v", "t2w", "i2w"));

TEST_F(PipelineTest, BlocksThatAreDroppedGiveTheSameClip) {
  prepare("i2w");
  const at::Tensor kept = generate().latents;
  request_.offload = Offload::kSequential;
  EXPECT_TENSOR_NEAR(generate().latents, kept, test::kExact);
}

TEST_F(PipelineTest, EightBitsAreCloseAndNotTheSame) {
  prepare("t2v");
  request_.use_int8 = true;
  const at::Tensor want = golden_.at("latents"), got = generate().latents;
  const double error = got.sub(want).square().mean().item<double>();
  EXPECT_GT(error, 0);
  EXPECT_LE(error / want.square().mean().item<double>(), 2e-3);
}

TEST_F(PipelineTest, EqualSeedsGiveEqualClips) {
  prepare("t2v");
  request_.noise = at::Tensor();
  request_.seed = 4;
  const at::Tensor first = generate().latents;
  EXPECT_TENSOR_NEAR(generate().latents, first, test::kExact);
  request_.seed = 5;
  EXPECT_FALSE(test::tensors_near(generate().latents, first, 0.1));
}

TEST_F(PipelineTest, TeaCacheLeavesOutStepsAndStaysNear) {
  prepare("t2v");
  request_.steps = 12;
  const at::Tensor whole = generate().latents;
  request_.tea_cache = 100;  // Everything after the first steps is reused.
  const GeneratedClip reused = generate();
  EXPECT_EQ(reused.reused_steps, 7);
  EXPECT_FALSE(test::tensors_near(reused.latents, whole, 1e-6));
  EXPECT_TRUE(test::tensors_near(reused.latents, whole, 2));
}

TEST_F(PipelineTest, GuidanceIsLeftOutAtTheEnd) {
  prepare("t2v");
  const at::Tensor whole = generate().latents;
  request_.cfg_skip = 1;
  const at::Tensor none = generate().latents;
  request_.cfg_skip = 0;
  request_.guidance = 1;
  EXPECT_TENSOR_NEAR(generate().latents, none, test::kExact);
  EXPECT_FALSE(test::tensors_near(none, whole, 1e-3));
}

TEST_F(PipelineTest, TellsWhereItIsAndStops) {
  prepare("t2v");
  int64_t last_step = -1;
  const auto listener = [&](const ClipProgress& progress) {
    if (progress.stage == ClipProgress::Stage::kDenoise) last_step = progress.done;
    return last_step < 2;
  };
  EXPECT_ERROR(generate(listener), ErrorCode::kCancelled, "stopped");
  EXPECT_EQ(last_step, 2);
}

TEST_F(PipelineTest, WhatDoesNotFitIsRefusedBeforeWeightsAreRead) {
  prepare("t2v");
  std::filesystem::resize_file(scratch_ / "base/transformer/diffusion_pytorch_model.safetensors",
                               3);
  const auto refused = [&](auto change, const std::string& message) {
    ClipRequest request = request_;
    change(request);
    EXPECT_ERROR(plan_clip(layout_, request), ErrorCode::kInvalidArgument, message);
  };
  refused([](ClipRequest& r) { r.num_frames = 6; }, "such as 5 or 9, got 6");
  refused([](ClipRequest& r) { r.num_frames = 5001; }, "at most 4093");
  refused([](ClipRequest& r) { r.size = {.width = 40, .height = 32}; }, "multiples of 16");
  refused([](ClipRequest& r) { r.image = video::make_image(4, 4); }, "leave --image out");
  refused([](ClipRequest& r) { r.actions.emplace(); }, "takes no --actions");
  refused([](ClipRequest& r) { r.task = "i2w"; }, "is a model for t2v");
  refused([](ClipRequest& r) { r.sampler = "heun"; }, "wanted unipc, dpm++ or euler");
  refused([](ClipRequest& r) { r.guidance = -1; }, "--guidance: wanted 0 to 100");
  refused([](ClipRequest& r) { r.cfg_skip = 2; }, "--cfg-skip: wanted 0 to 1");
  refused([](ClipRequest& r) { r.noise = r.noise.narrow(2, 0, 1); }, "wanted a floating tensor");
}

TEST_F(PipelineTest, DefaultsAreTheModels) {
  prepare("t2v");
  const ClipPlan plan = plan_clip(layout_, ClipRequest());
  EXPECT_EQ(plan.num_frames, 81);
  EXPECT_EQ(plan.size, (ClipSize{.width = 832, .height = 480}));
  EXPECT_EQ(plan.steps, 50);
  EXPECT_EQ(plan.shift, 3);
  EXPECT_EQ(plan.guidance.scale, 5);
  EXPECT_EQ(plan.negative_prompt, "");
  EXPECT_EQ(plan.sampler.grid, diffusion::Grid::kFlowDiffusers);  // Written by diffusers 0.36.
  EXPECT_FALSE(plan.tea_cache);
}

TEST(NegativePromptTest, OriginalModelsBringTheirOwn) {
  ModelLayout layout;
  layout.task = "t2v";
  const std::string plain = default_negative_prompt(layout);
  layout.task = "i2v";
  const std::string image = default_negative_prompt(layout);
  EXPECT_TRUE(image.ends_with(plain));
  EXPECT_EQ(image.size(), plain.size() + 15);  // Four characters and a comma before it.
  layout.kind = LayoutKind::kDiffusers;
  EXPECT_EQ(default_negative_prompt(layout), "");
}

}  // namespace
}  // namespace mw::engine
