// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::wan {
namespace {

class WanConfigTest : public ::testing::Test {
 protected:
  WanConfig read(const std::string& json) {
    std::ofstream(file_) << json;
    return WanConfig::read(file_);
  }

  test::ScratchFolder folder_;
  std::filesystem::path file_ = folder_.path() / "config.json";
};

TEST_F(WanConfigTest, ReadsTheOriginalsFile) {
  // The fields that the release of the 14B image model has.
  const WanConfig config = read(R"({"_class_name": "WanModel", "model_type": "i2v", "dim": 5120,
      "ffn_dim": 13824, "num_heads": 40, "num_layers": 40, "in_dim": 36, "out_dim": 16,
      "freq_dim": 256, "text_len": 512, "eps": 1e-06})");
  EXPECT_EQ(config.dim, 5120);
  EXPECT_EQ(config.head_dim(), 128);
  EXPECT_EQ(config.in_dim, 36);
  EXPECT_EQ(config.image_dim, 1280);
  EXPECT_EQ(config.action_dim, 0);
  EXPECT_EQ(config.naming, Naming::kOriginal);
}

TEST_F(WanConfigTest, ReadsMicroWorldsActionClass) {
  const WanConfig config = read(R"({"_class_name": "WanActionAdaLNModel", "model_type": "i2v",
      "dim": 5120, "num_heads": 40, "mouse_dim": 2, "keyboard_dim": 7})");
  EXPECT_EQ(config.action_dim, 1536);
  EXPECT_EQ(config.action_temporal_ratio, 4);
}

TEST_F(WanConfigTest, ReadsDiffusersFile) {
  const WanConfig config = read(R"({"_class_name": "WanTransformer3DModel", "added_kv_proj_dim":
      null, "attention_head_dim": 128, "cross_attn_norm": true, "eps": 1e-06, "ffn_dim": 8960,
      "freq_dim": 256, "image_dim": null, "in_channels": 16, "num_attention_heads": 12,
      "num_layers": 30, "out_channels": 16, "patch_size": [1, 2, 2], "text_dim": 4096})");
  EXPECT_EQ(config.dim, 1536);
  EXPECT_EQ(config.num_layers, 30);
  EXPECT_EQ(config.image_dim, 0);
  EXPECT_EQ(config.naming, Naming::kDiffusers);
}

TEST_F(WanConfigTest, WritingAndReadingIsTheIdentityInBothNamings) {
  WanConfig config;
  config.dim = 192;
  config.num_heads = 3;
  config.in_dim = 36;
  config.text_len = 1;
  config.image_dim = 32;
  config.action_dim = 64;
  config.action_temporal_ratio = 1;
  config.action_relative_positions = true;
  config.is_causal = true;
  config.window_frames = 9;
  config.sink_frames = 1;
  config.chunk_frames = 2;
  for (const Naming naming : {Naming::kOriginal, Naming::kDiffusers}) {
    config.naming = naming;
    config.write(file_);
    const WanConfig again = WanConfig::read(file_);
    EXPECT_EQ(again.dim, config.dim);
    EXPECT_EQ(again.num_heads, config.num_heads);
    EXPECT_EQ(again.in_dim, config.in_dim);
    EXPECT_EQ(again.text_len, config.text_len);
    EXPECT_EQ(again.image_dim, config.image_dim);
    EXPECT_EQ(again.action_dim, config.action_dim);
    EXPECT_EQ(again.action_temporal_ratio, 1);
    EXPECT_TRUE(again.action_relative_positions);
    EXPECT_TRUE(again.is_causal);
    EXPECT_EQ(again.window_frames, 9);
    EXPECT_EQ(again.sink_frames, 1);
    EXPECT_EQ(again.chunk_frames, 2);
    EXPECT_EQ(again.naming, naming);
  }
}

TEST_F(WanConfigTest, WhatCannotBeAModelIsNamed) {
  EXPECT_ERROR(read(R"({"dim": 100, "num_heads": 3})"), ErrorCode::kConfig,
               "dim 100 is not 3 heads of even size");
  EXPECT_ERROR(read(R"({"dim": -4})"), ErrorCode::kConfig, "size of -4 is out of range");
  EXPECT_ERROR(read(R"({"num_attention_heads": 2, "patch_size": [2, 2, 2]})"), ErrorCode::kConfig,
               "patch_size must be [1, 2, 2]");
  EXPECT_ERROR(read(R"({"is_causal": true, "window_frames": 3, "sink_frames": 1,
                        "chunk_frames": 3})"),
               ErrorCode::kConfig, "window_frames 3 must be 0 or hold");
  EXPECT_ERROR(read(R"({"dim": "wide"})"), ErrorCode::kFormat, "config.json");
  EXPECT_ERROR(read("{"), ErrorCode::kFormat, "config.json");
  EXPECT_ERROR(WanConfig::read(folder_.path() / "none.json"), ErrorCode::kIo, "none.json");
}

}  // namespace
}  // namespace mw::wan
