// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/memory_plan.h"

#include <gtest/gtest.h>

#include <array>

#include "mw/engine/model_memory.h"
#include "mw/nn/tensor_file.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::engine {
namespace {

constexpr int64_t kGiga = 1'000'000'000;

/// Wan2.1-T2V-1.3B in bfloat16 from float32 files, but its text encoder, which is bfloat16 there.
MemoryRequest small_model() {
  MemoryRequest request;
  request.transformer_weights = {.mapped = 0, .own = 2'838'000'000};
  request.text_weights = {.mapped = 11'362'000'000, .own = 0};
  request.vae_weights = {.mapped = 508'000'000, .own = 0};
  return request;
}

const MemoryPhase& phase_of(const MemoryPlan& plan, const std::string& name) {
  for (const MemoryPhase& phase : plan.phases) {
    if (phase.name == name) return phase;
  }
  throw Error(ErrorCode::kInternal, "no phase " + name);
}

TEST(MemoryPlanTest, PhasesHoldOnePartEach) {
  const MemoryPlan plan = plan_memory(small_model());
  ASSERT_EQ(plan.phases.size(), 3u);
  EXPECT_EQ(plan.largest().name, "text");
  EXPECT_EQ(phase_of(plan, "text").weights.mapped, 11'362'000'000);
  EXPECT_EQ(phase_of(plan, "denoise").weights.total(), 2'838'000'000);
  EXPECT_NE(plan.text().find("text 1"), std::string::npos) << plan.text();
  EXPECT_NE(plan.text().find("mapped from files"), std::string::npos) << plan.text();
}

TEST(MemoryPlanTest, WithoutOffloadingEverythingStays) {
  MemoryRequest request = small_model();
  request.offload = Offload::kNone;
  const MemoryPlan plan = plan_memory(request);
  EXPECT_EQ(phase_of(plan, "decode").weights.total(), 11'362'000'000 + 2'838'000'000 + 508'000'000);
}

TEST(MemoryPlanTest, MoreFramesAndPixelsTakeMore) {
  int64_t last = 0;
  for (const auto& [width, height, frames] :
       {std::array<int64_t, 3>{256, 144, 17}, {416, 240, 17}, {416, 240, 81}, {832, 480, 81}}) {
    MemoryRequest request = small_model();
    request.width = width, request.height = height, request.frames = frames;
    const int64_t denoise = phase_of(plan_memory(request), "denoise").working;
    EXPECT_GT(denoise, last);
    last = denoise;
  }
  MemoryRequest tiled = small_model();
  const int64_t whole = phase_of(plan_memory(tiled), "decode").working;
  tiled.use_vae_tiling = true;
  EXPECT_LT(phase_of(plan_memory(tiled), "decode").working, whole);
}

TEST(MemoryPlanTest, SequentialHoldsTwoBlocks) {
  MemoryRequest request = small_model();
  request.transformer_weights = {.mapped = 30 * kGiga, .own = 0};
  request.transformer.num_layers = 30;
  request.offload = Offload::kSequential;
  EXPECT_EQ(phase_of(plan_memory(request), "denoise").weights.mapped, 2 * kGiga);
}

TEST(CheckMemoryTest, WhatFitsPasses) { check_memory(small_model(), 64 * kGiga, "generate"); }

// The encoder's pages are read once and may go; the transformer's are needed at every step.
TEST(CheckMemoryTest, AMappedTextEncoderMayBeLargerThanMemory) {
  check_memory(small_model(), 8 * kGiga, "generate");
}

TEST(CheckMemoryTest, RefusalsNameTheSmallestChangeThatFits) {
  MemoryRequest request = small_model();
  request.offload = Offload::kNone;
  request.text_weights = {.mapped = 0, .own = 11'362'000'000};
  EXPECT_ERROR(check_memory(request, 13 * kGiga, "generate"), ErrorCode::kInvalidArgument,
               "13.0 GB are free; --offload model fits");
  request = small_model();
  EXPECT_ERROR(check_memory(request, 4 * kGiga, "generate"), ErrorCode::kInvalidArgument,
               "--size ");
  EXPECT_ERROR(check_memory(request, kGiga / 10, "generate"), ErrorCode::kInvalidArgument,
               "generate: decode wants ");
  EXPECT_ERROR(check_memory(request, kGiga / 10, "generate"), ErrorCode::kInvalidArgument,
               "it takes a larger machine");
}

TEST(CheckMemoryTest, ALargeModelIsStreamedOrRounded) {
  MemoryRequest request;
  request.transformer.dim = 5120, request.transformer.ffn_dim = 13824;
  request.transformer.num_heads = 40, request.transformer.num_layers = 40;
  request.transformer.image_dim = 1280;
  request.transformer_weights = {.mapped = 32'800'000'000, .own = 0};
  request.width = 416, request.height = 240, request.frames = 17;
  EXPECT_ERROR(check_memory(request, 23 * kGiga, "generate"), ErrorCode::kInvalidArgument,
               "denoise wants 3");
  request.offload = Offload::kSequential;
  check_memory(request, 23 * kGiga, "generate");
}

TEST(OffloadTest, HasThreeNames) {
  for (const char* name : {"none", "model", "sequential"}) {
    EXPECT_STREQ(name_of(parse_offload(name)), name);
  }
  EXPECT_ERROR(parse_offload("all"), ErrorCode::kInvalidArgument,
               "wanted none, model or sequential, got 'all'");
}

TEST(WeightBytesTest, StoredAsWantedMeansMapped) {
  const test::ScratchFolder scratch;
  const nn::TensorMap tensors = {
      {"blocks.0.q.weight", test::random_tensor({8, 8}, 1).to(at::kBFloat16)},
      {"head.weight", test::random_tensor({4, 8}, 2).to(at::kBFloat16)},
      {"table", test::random_tensor({10}, 3)}};
  nn::write_tensors(scratch / "w.safetensors", tensors);
  const WeightBytes half = weight_bytes(scratch / "w.safetensors", at::kBFloat16);
  EXPECT_EQ(half.mapped, 128 + 64);
  EXPECT_EQ(half.own, 20);
  const WeightBytes full = weight_bytes(scratch / "w.safetensors", at::kFloat);
  EXPECT_EQ(full.mapped, 40);
  EXPECT_EQ(full.own, 256 + 128);
  const WeightBytes eight = weight_bytes(scratch / "w.safetensors", at::kChar);
  EXPECT_EQ(eight.own, 64 + 20);
  EXPECT_EQ(eight.mapped, 64);
}

TEST(MemoryRequestTest, SizesComeFromTheFiles) {
  const test::ScratchFolder scratch;
  wan::WanConfig config;
  config.dim = 96;
  config.write(scratch / "config.json");
  nn::write_tensors(scratch / "w.safetensors", {{"head.weight", test::random_tensor({4, 8}, 2)}});
  ModelLayout layout;
  layout.root = layout.transformer = scratch.path();
  layout.transformer_config = scratch / "config.json";
  layout.text_encoder = scratch / "w.safetensors";
  layout.task = "i2v";
  layout.defaults.width = 640;
  const MemoryRequest request = memory_request(layout, at::kBFloat16);
  EXPECT_EQ(request.transformer.dim, 96);
  EXPECT_EQ(request.transformer_weights.own, 64);
  EXPECT_EQ(request.text_weights.own, 64);
  EXPECT_EQ(request.vae_weights.total(), 0);
  EXPECT_EQ(request.width, 640);
  EXPECT_TRUE(request.has_image);
  EXPECT_EQ(memory_request(layout, at::kFloat).text_weights.mapped, 128);
  layout.transformer.clear();
  EXPECT_ERROR(memory_request(layout, at::kFloat), ErrorCode::kIo, "has no transformer");
}

}  // namespace
}  // namespace mw::engine
