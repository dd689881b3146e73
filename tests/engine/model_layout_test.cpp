// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_layout.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "mw/engine/model_folder.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

std::string original_config(const std::string& fields) { return "{" + fields + "}"; }

const std::string kT2V = R"("model_type":"t2v","dim":1536,"num_heads":12,"num_layers":30)";
const std::string kT2V14B = R"("model_type":"t2v","dim":5120,"num_heads":40,"num_layers":40)";
const std::string kI2V =
    R"("model_type":"i2v","dim":5120,"num_heads":40,"num_layers":40,"in_dim":36)";
const std::string kFLF2V =
    R"("model_type":"flf2v","dim":5120,"num_heads":40,"num_layers":40,"in_dim":36)";
const std::string kTI2V = R"("model_type":"ti2v","dim":3072,"num_heads":24,"num_layers":30,)"
                          R"("in_dim":48,"out_dim":48)";

class ModelLayoutTest : public ::testing::Test {
 protected:
  ModelLayoutTest() { ::setenv("XDG_CACHE_HOME", (scratch_ / "cache").c_str(), 1); }
  ~ModelLayoutTest() override { ::unsetenv("XDG_CACHE_HOME"); }

  /// Writes files with nothing in them, but for configurations.
  fs::path write(const std::string& name, const std::string& text = "") const {
    const fs::path file = scratch_ / name;
    fs::create_directories(file.parent_path());
    test::write_bytes(file, text);
    return file;
  }

  fs::path write_original(const std::string& name, const std::string& config,
                          const std::string& vae = "Wan2.1_VAE.pth") const {
    write(name + "/config.json", original_config(config));
    for (const std::string& file : {std::string("diffusion_pytorch_model.safetensors"), vae,
                                    std::string("models_t5_umt5-xxl-enc-bf16.pth"),
                                    std::string("google/umt5-xxl/spiece.model")}) {
      write(name + "/" + file);
    }
    return fs::weakly_canonical(scratch_ / name);
  }

  fs::path write_micro_world(const std::string& name, const std::string& class_name,
                             const std::string& config) const {
    write(name + "/transformer/config.json",
          original_config("\"_class_name\":\"" + class_name + "\"," + config));
    write(name + "/transformer/diffusion_pytorch_model.safetensors");
    write(name + "/lora_diffusion_pytorch_model.safetensors");
    return fs::weakly_canonical(scratch_ / name);
  }

  fs::path write_diffusers(const std::string& name, const std::string& transformer,
                           const std::string& scheduler) const {
    write(name + "/model_index.json", R"({"_class_name":"WanPipeline"})");
    write(name + "/transformer/config.json", "{" + transformer + "}");
    write(name + "/transformer/diffusion_pytorch_model.safetensors");
    write(name + "/vae/config.json", "{}");
    write(name + "/text_encoder/config.json", "{}");
    write(name + "/tokenizer/spiece.model");
    write(name + "/scheduler/scheduler_config.json", scheduler);
    return fs::weakly_canonical(scratch_ / name);
  }

  ModelLayout find(const std::string& name, const LayoutRequest& request = {}) const {
    return find_layout((scratch_ / name).string(), request);
  }

  test::ScratchFolder scratch_;
};

TEST_F(ModelLayoutTest, OriginalReleaseHasItsPartsAtTheTop) {
  const fs::path root = write_original("Wan2.1-I2V-14B-480P", kI2V);
  write("Wan2.1-I2V-14B-480P/models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth");
  const ModelLayout layout = find("Wan2.1-I2V-14B-480P");
  EXPECT_EQ(layout.kind, LayoutKind::kOriginal);
  EXPECT_EQ(layout.naming, wan::Naming::kOriginal);
  EXPECT_EQ(layout.root, root);
  EXPECT_EQ(layout.transformer, root);
  EXPECT_EQ(layout.transformer_config, root / "config.json");
  EXPECT_EQ(layout.vae, root / "Wan2.1_VAE.pth");
  EXPECT_EQ(layout.text_encoder, root / "models_t5_umt5-xxl-enc-bf16.pth");
  EXPECT_EQ(layout.tokenizer, root / "google/umt5-xxl/spiece.model");
  EXPECT_EQ(layout.image_encoder, root / "models_clip_open-clip-xlm-roberta-large-vit-huge-14.pth");
  EXPECT_EQ(layout.family, "i2v-14b-480p");
  EXPECT_TRUE(layout.is_released_size);
}

TEST_F(ModelLayoutTest, FamiliesOfOriginalReleasesAndTheirDefaults) {
  struct Row {
    const char* folder;
    std::string config;
    const char* family;
    const char* task;
    int64_t steps;
    double shift, fps;
    int64_t frames, width;
  };
  const std::vector<Row> rows = {
      {"Wan2.1-T2V-1.3B", kT2V, "t2v-1.3b", "t2v", 50, 5, 16, 81, 832},
      {"Wan2.1-T2V-14B", kT2V14B, "t2v-14b", "t2v", 50, 5, 16, 81, 1280},
      {"Wan2.1-I2V-14B-480P", kI2V, "i2v-14b-480p", "i2v", 40, 3, 16, 81, 832},
      {"Wan2.1-I2V-14B-720P", kI2V, "i2v-14b-720p", "i2v", 40, 5, 16, 81, 1280},
      {"Wan2.1-FLF2V-14B-720P", kFLF2V, "flf2v-14b-720p", "flf2v", 50, 16, 16, 81, 1280},
      {"Wan2.2-TI2V-5B", kTI2V, "ti2v-5b", "ti2v", 50, 5, 24, 121, 1280},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.folder);
    write_original(row.folder, row.config);
    const ModelLayout layout = find(row.folder);
    EXPECT_EQ(layout.family, row.family);
    EXPECT_EQ(layout.task, row.task);
    EXPECT_TRUE(layout.is_released_size);
    EXPECT_EQ(layout.defaults.steps, row.steps);
    EXPECT_EQ(layout.defaults.shift, row.shift);
    EXPECT_EQ(layout.defaults.fps, row.fps);
    EXPECT_EQ(layout.defaults.frames, row.frames);
    EXPECT_EQ(layout.defaults.width, row.width);
    EXPECT_EQ(layout.defaults.guidance, 5);
    EXPECT_EQ(layout.defaults.sampler, "unipc");
    EXPECT_EQ(layout.defaults.grid, diffusion::GridOwner::kReference);
    EXPECT_EQ(layout.defaults.tea_cache, 0);
  }
}

TEST_F(ModelLayoutTest, OtherSizesHaveTheFamilyOfTheSameParts) {
  write_original("tiny", R"("model_type":"i2v","dim":48,"num_heads":2,"num_layers":2,"in_dim":36)");
  const ModelLayout layout = find("tiny");
  EXPECT_EQ(layout.family, "i2v-14b-480p");
  EXPECT_FALSE(layout.is_released_size);
}

TEST_F(ModelLayoutTest, ShardsAndGgufFilesAreTransformers) {
  const fs::path root = write_original("shards", kT2V);
  fs::remove(root / "diffusion_pytorch_model.safetensors");
  write("shards/diffusion_pytorch_model-00001-of-00002.safetensors");
  write("shards/diffusion_pytorch_model.safetensors.index.json", "{}");
  EXPECT_EQ(find("shards").transformer, root);
  fs::remove(root / "diffusion_pytorch_model-00001-of-00002.safetensors");
  fs::remove(root / "diffusion_pytorch_model.safetensors.index.json");
  write("shards/wan2.1-t2v-1.3b-q8_0.gguf");
  EXPECT_EQ(find("shards").transformer, root / "wan2.1-t2v-1.3b-q8_0.gguf");

  const ModelLayout file = find("shards/wan2.1-t2v-1.3b-q8_0.gguf");
  EXPECT_EQ(file.kind, LayoutKind::kOriginal);
  EXPECT_EQ(file.transformer, root / "wan2.1-t2v-1.3b-q8_0.gguf");
  EXPECT_EQ(file.vae, root / "Wan2.1_VAE.pth");
  EXPECT_EQ(file.family, "t2v-1.3b");
}

TEST_F(ModelLayoutTest, DiffusersFolderBringsItsScheduler) {
  const std::string config =
      R"("num_attention_heads":12,"attention_head_dim":128,"num_layers":30,"in_channels":16)";
  const fs::path root = write_diffusers(
      "wan", config, R"({"_class_name":"UniPCMultistepScheduler","flow_shift":3.0})");
  const ModelLayout layout = find("wan");
  EXPECT_EQ(layout.kind, LayoutKind::kDiffusers);
  EXPECT_EQ(layout.naming, wan::Naming::kDiffusers);
  EXPECT_EQ(layout.transformer, root / "transformer");
  EXPECT_EQ(layout.vae, root / "vae");
  EXPECT_EQ(layout.text_encoder, root / "text_encoder");
  EXPECT_EQ(layout.tokenizer, root / "tokenizer/spiece.model");
  EXPECT_EQ(layout.image_encoder, fs::path());
  EXPECT_EQ(layout.family, "t2v-1.3b");
  EXPECT_EQ(layout.defaults.shift, 3);
  EXPECT_EQ(layout.defaults.grid, diffusion::GridOwner::kDiffusersOld);
  EXPECT_ERROR(layout.part("image_encoder"), ErrorCode::kIo, "has no image_encoder");

  const auto defaults_with = [&](const std::string& scheduler) {
    write("wan/scheduler/scheduler_config.json", scheduler);
    return find("wan").defaults;
  };
  EXPECT_EQ(defaults_with(R"({"_class_name":"FlowMatchEulerDiscreteScheduler","shift":7})").sampler,
            "euler");
  EXPECT_EQ(defaults_with(R"({"_class_name":"DPMSolverMultistepScheduler","flow_shift":8})").shift,
            8);
  EXPECT_EQ(defaults_with(R"({"_class_name":"UniPCMultistepScheduler",)"
                          R"("_diffusers_version":"0.37.0"})")
                .grid,
            diffusion::GridOwner::kDiffusers);
  EXPECT_ERROR(defaults_with(R"({"_class_name":"DDIMScheduler"})"), ErrorCode::kConfig,
               "_class_name 'DDIMScheduler' is not known");
  EXPECT_ERROR(defaults_with(R"({"_class_name":"UniPCMultistepScheduler","flow_shift":0})"),
               ErrorCode::kConfig, "shift must be over 0");
}

TEST_F(ModelLayoutTest, MicroWorldTakesTheOtherNetworksFromItsBase) {
  const fs::path root = write_micro_world("T2W", "WanActionControlNetModel", kT2V);
  ModelLayout layout = find("T2W");
  EXPECT_EQ(layout.kind, LayoutKind::kMicroWorld);
  EXPECT_EQ(layout.family, "t2w-1.3b");
  EXPECT_TRUE(layout.is_released_size);
  EXPECT_EQ(layout.transformer, root / "transformer");
  EXPECT_EQ(layout.lora, root / "lora_diffusion_pytorch_model.safetensors");
  EXPECT_FALSE(layout.defaults.merges_lora);
  EXPECT_EQ(layout.defaults.steps, 30);
  EXPECT_EQ(layout.defaults.fps, 15);
  EXPECT_EQ(layout.defaults.guidance, 3);
  EXPECT_EQ(layout.defaults.tea_cache, 0.20);
  EXPECT_ERROR(layout.part("vae"), ErrorCode::kIo, "wanted Wan2.1-T2V-1.3B beside it");

  const fs::path elsewhere = write_original("bases/any name", kT2V);
  layout = find("T2W", {.base = elsewhere.string()});
  EXPECT_EQ(layout.base, elsewhere);
  EXPECT_EQ(layout.part("vae"), elsewhere / "Wan2.1_VAE.pth");

  const fs::path beside = write_original("Wan2.1-T2V-1.3B", kT2V);
  layout = find("T2W");
  EXPECT_EQ(layout.base, beside);
  EXPECT_EQ(layout.part("text_encoder"), beside / "models_t5_umt5-xxl-enc-bf16.pth");
  EXPECT_ERROR(find("T2W", {.base = root.string()}), ErrorCode::kInvalidArgument,
               "is a Micro-World folder itself");
}

TEST_F(ModelLayoutTest, CombinedRepositoryNeedsAName) {
  write_micro_world("both/T2W", "WanActionControlNetModel", kT2V);
  write_micro_world("both/I2W", "WanActionAdaLNModel", kI2V);
  EXPECT_ERROR(find("both"), ErrorCode::kInvalidArgument, "holds T2W and I2W; name one, as in '");
  EXPECT_EQ(find("both/I2W").family, "i2w-14b");
  const ModelLayout layout = find("both", {.task = "i2w"});
  EXPECT_EQ(layout.family, "i2w-14b");
  EXPECT_TRUE(layout.is_released_size);
  EXPECT_TRUE(layout.defaults.merges_lora);
  EXPECT_EQ(layout.defaults.guidance, 6);
  EXPECT_ERROR(find("both", {.task = "t2v"}), ErrorCode::kInvalidArgument, "no model for task");
}

TEST_F(ModelLayoutTest, EmbeddedWorldsArePlayed) {
  write("world/model_index.json", R"({"_class_name":"EmbeddedWorld"})");
  write("world/camera_prior/config.json", "{}");
  write("world/transformer/config.json", "{}");
  write("world/transformer/diffusion_pytorch_model.safetensors");
  const ModelLayout layout = find("world");
  EXPECT_EQ(layout.kind, LayoutKind::kEmbedded);
  EXPECT_EQ(layout.task, "play");
  EXPECT_EQ(std::string(name_of(layout.kind)), "embedded");
}

TEST_F(ModelLayoutTest, WhatIsNoModelIsRefused) {
  fs::create_directories(scratch_ / "empty");
  EXPECT_ERROR(find("empty"), ErrorCode::kIo, "no model there; looked in '");
  write("vae/config.json", R"({"_class_name":"AutoencoderKLWan"})");
  write("vae/diffusion_pytorch_model.safetensors");
  EXPECT_ERROR(find("vae"), ErrorCode::kIo, "no model there; looked in '");
  write("bad/config.json", "{\"dim\":");
  write("bad/diffusion_pytorch_model.safetensors");
  EXPECT_ERROR(find("bad"), ErrorCode::kFormat, "bad/config.json': ");
  write("plain/transformer/config.json", original_config(kT2V));
  write("plain/transformer/diffusion_pytorch_model.safetensors");
  EXPECT_ERROR(find("plain"), ErrorCode::kConfig, "has no action layers");
}

}  // namespace
}  // namespace mw::engine
