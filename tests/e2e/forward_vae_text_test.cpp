// SPDX-License-Identifier: Apache-2.0
// `mw forward` of the autoencoders, the encoders and action models against their references.
#include <ATen/ops/ones_like.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw {
namespace {

using ::testing::HasSubstr;

const std::filesystem::path kGoldens = std::filesystem::path(MW_SOURCE_DIR) / "tests/goldens";

/// A golden of `tests/goldens/<name>` as one network's folder.
class ForwardPartTest : public ::testing::Test {
 protected:
  void make_model(const std::string& name, const std::filesystem::path& folder) {
    golden_ = test::load_golden(name);
    std::filesystem::create_directories(folder);
    std::ofstream(folder / "config.json")
        << nn::read_metadata(kGoldens / (name + ".safetensors")).at("config");
    nn::TensorMap weights;
    const std::string prefix = "weights.";
    for (const auto& [key, tensor] : golden_) {
      if (key.starts_with(prefix)) weights.emplace(key.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder / "model.safetensors", weights);
  }

  std::string path(const std::string& name) const { return (scratch_.path() / name).string(); }

  /// What the part gives for these inputs.
  nn::TensorMap forward(const std::string& part, const nn::TensorMap& inputs) {
    nn::write_tensors(path("in.safetensors"), inputs);
    const auto result = test::run_mw({"forward", part, "--model", path("model"), "--in",
                                      path("in.safetensors"), "--out", path("out.safetensors")});
    EXPECT_EQ(result.status, 0) << result.err;
    return nn::read_tensors(path("out.safetensors"));
  }

  test::ScratchFolder scratch_;
  nn::TensorMap golden_;
};

TEST_F(ForwardPartTest, VaeEncodesAndDecodes) {
  make_model("vae/wan_vae", path("model"));  // The network's own folder.
  const nn::TensorMap encoded = forward("vae-encode", {{"video", golden_.at("in.video")}});
  EXPECT_TENSOR_NEAR(encoded.at("moments"), golden_.at("moments"), test::kFp32Parity);
  // The first channel's statistics in the golden's config.
  EXPECT_TENSOR_NEAR(encoded.at("latents").select(1, 0),
                     golden_.at("moments").select(1, 0).add(0.75).div(2.75), test::kFp32Parity);

  at::Tensor latents = golden_.at("in.latents").clone();
  const double mean[] = {-0.75, 0.5, 0.1, -1.5}, deviation[] = {2.75, 1.5, 0.5, 1.25};
  for (int64_t c = 0; c < 4; ++c) latents.select(1, c).sub_(mean[c]).div_(deviation[c]);
  const nn::TensorMap decoded = forward("vae-decode", {{"latents", latents}});
  EXPECT_TENSOR_NEAR(decoded.at("video"), golden_.at("video"), test::kFp32Parity);
}

TEST_F(ForwardPartTest, TheResidualVaeEncodes) {
  make_model("vae/wan_vae22", path("model/vae"));
  const nn::TensorMap encoded = forward("vae-encode", {{"video", golden_.at("in.video")}});
  EXPECT_TENSOR_NEAR(encoded.at("moments"), golden_.at("moments"), test::kFp32Parity);
}

TEST_F(ForwardPartTest, ImagesAreEncoded) {
  make_model("clip/vision", path("model/image_encoder"));
  const nn::TensorMap out = forward("image", {{"pixel_values", golden_.at("in.pixel_values")}});
  EXPECT_TENSOR_NEAR(out.at("hidden_states"), golden_.at("hidden_states"), test::kFp32Parity);
}

TEST_F(ForwardPartTest, ActionModelsTakeKeysAndMouse) {
  for (const std::string name : {"control", "adaln"}) {
    make_model("wan/" + name, path(name + "/transformer"));
    nn::TensorMap inputs;
    for (const auto& [key, tensor] : golden_) {
      if (key.starts_with("in.")) inputs.emplace(key.substr(3), tensor);
    }
    std::filesystem::remove_all(path("model"));
    std::filesystem::rename(path(name), path("model"));
    EXPECT_TENSOR_NEAR(forward("transformer", inputs).at("sample"), golden_.at("sample"),
                       test::kFp32Parity);
  }
}

TEST_F(ForwardPartTest, TextIsEncodedFromNumbers) {
  make_model("text/umt5", path("model/text_encoder"));
  const nn::TensorMap out = forward("text", {{"input_ids", golden_.at("in.input_ids")},
                                             {"attention_mask", golden_.at("in.attention_mask")}});
  EXPECT_TENSOR_NEAR(out.at("last_hidden_state").select(0, 0),
                     golden_.at("last_hidden_state").select(0, 0), test::kFp32Parity);
  EXPECT_TENSOR_NEAR(out.at("input_ids"), golden_.at("in.input_ids"), test::kExact);
}

TEST_F(ForwardPartTest, InputsAreRequiredAndNamed) {
  make_model("text/umt5", path("model/text_encoder"));
  const auto no_input =
      test::run_mw({"forward", "text", "--model", path("model"), "--out", path("out.safetensors")});
  EXPECT_EQ(no_input.status, 1);
  EXPECT_THAT(no_input.err, HasSubstr("--in F.safetensors or --text"));
  nn::write_tensors(path("in.safetensors"), {{"video", at::ones_like(golden_.at("in.input_ids"))}});
  const auto wrong = test::run_mw({"forward", "text", "--model", path("model"), "--in",
                                   path("in.safetensors"), "--out", path("out.safetensors")});
  EXPECT_EQ(wrong.status, 1);
  EXPECT_THAT(wrong.err, HasSubstr("has no tensor 'input_ids'"));
  EXPECT_FALSE(std::filesystem::exists(path("out.safetensors")));
}

#ifdef MW_TEST_TEXT
TEST_F(ForwardPartTest, TextIsTokenizedByTheModel) {
  make_model("text/umt5", path("model/text_encoder"));
  std::filesystem::create_directories(path("model/tokenizer"));
  std::filesystem::copy_file(kGoldens / "text/spiece.model", path("model/tokenizer/spiece.model"));
  const auto result = test::run_mw({"forward", "text", "--model", path("model"), "--text", "in in",
                                    "--length", "8", "--out", path("out.safetensors")});
  ASSERT_EQ(result.status, 0) << result.err;
  const nn::TensorMap out = nn::read_tensors(path("out.safetensors"));
  EXPECT_EQ(out.at("last_hidden_state").sizes(), (at::IntArrayRef{1, 8, 48}));
  const int64_t tokens = out.at("attention_mask").sum().item<int64_t>();
  ASSERT_GE(tokens, 3);
  EXPECT_EQ(out.at("input_ids")[0][tokens - 1].item<int64_t>(), 1);
  EXPECT_EQ(out.at("input_ids")[0][7].item<int64_t>(), 0);
}
#endif

}  // namespace
}  // namespace mw
