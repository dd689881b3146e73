// SPDX-License-Identifier: Apache-2.0
// Runs `mw forward`: one network on tensors from a file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw {
namespace {

using ::testing::HasSubstr;

/// A golden of diffusers as a model folder of its kind and a file of inputs.
class ForwardTransformerTest : public ::testing::Test {
 protected:
  ForwardTransformerTest() {
    const std::string file = std::string(MW_SOURCE_DIR) + "/tests/goldens/wan/t2v.safetensors";
    nn::TensorMap weights;
    for (const auto& [name, tensor] : golden_) {
      if (name.starts_with("weights.")) weights.emplace(name.substr(8), tensor);
      if (name.starts_with("in.")) inputs_.emplace(name.substr(3), tensor);
    }
    std::filesystem::create_directories(folder_ / "model/transformer");
    nn::write_tensors(folder_ / "model/transformer/diffusion_pytorch_model.safetensors", weights);
    test::write_bytes(folder_ / "model/transformer/config.json",
                      nn::read_metadata(file).at("config"));
  }

  test::ProgramResult forward(const std::string& dtype = "fp32") const {
    nn::write_tensors(folder_ / "in.safetensors", inputs_);
    return test::run_mw({"forward", "transformer", "--model", folder_ / "model", "--in",
                         folder_ / "in.safetensors", "--out", out_, "--dtype", dtype});
  }

  test::ScratchFolder folder_;
  std::filesystem::path out_ = folder_ / "out.safetensors";
  nn::TensorMap golden_ = test::load_golden("wan/t2v"), inputs_;
};

TEST_F(ForwardTransformerTest, GivesTheSampleOfDiffusers) {
  const auto result = forward();
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out + result.err, "");
  EXPECT_TENSOR_NEAR(nn::read_tensors(out_).at("sample"), golden_.at("sample"), test::kFp32Parity);
}

TEST_F(ForwardTransformerTest, Bfloat16IsCloseAndNotTheSame) {
  ASSERT_EQ(forward("bf16").status, 0);
  const at::Tensor sample = nn::read_tensors(out_).at("sample");
  const double error = sample.sub(golden_.at("sample")).square().mean().item<double>();
  EXPECT_GT(error, 0);
  EXPECT_LE(error / golden_.at("sample").square().mean().item<double>(), test::kBf16Parity);
}

TEST_F(ForwardTransformerTest, WeightsInEightBitsAreClose) {
  const std::filesystem::path model = folder_ / "model", rounded = folder_ / "rounded/transformer";
  const auto quantized = test::run_mw({"quantize", model, "--dtype", "int8", "--out", rounded});
  ASSERT_EQ(quantized.status, 0) << quantized.err;
  EXPECT_THAT(quantized.out, HasSubstr("error of weights (squared, over their power)"));
  std::filesystem::remove_all(model);
  std::filesystem::rename(folder_ / "rounded", model);
  for (const char* dtype : {"fp32", "bf16"}) {
    const auto result = forward(dtype);
    ASSERT_EQ(result.status, 0) << result.err;
    const at::Tensor sample = nn::read_tensors(out_).at("sample");
    const double error = sample.sub(golden_.at("sample")).square().mean().item<double>();
    EXPECT_GT(error, 0);
    EXPECT_LE(error / golden_.at("sample").square().mean().item<double>(), 1e-3) << dtype;
  }
  EXPECT_TRUE(test::was_refused(test::run_mw({"quantize", model, "--out", folder_ / "again"}),
                                "in 8 bits already"));
  EXPECT_TRUE(test::was_refused(
      test::run_mw({"quantize", model, "--dtype", "q4_k", "--out", folder_ / "q"}),
      "q4_k is read, not written; wanted --dtype int8"));
  EXPECT_TRUE(test::was_refused(
      test::run_mw({"quantize", folder_ / "none", "--out", folder_ / "q"}), "none"));
}

TEST_F(ForwardTransformerTest, ActionsNeedAModelThatTakesThem) {
  inputs_["keyboard"] = test::random_tensor({2, 9, 7}, 1);
  auto result = forward();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("keyboard and mouse come together"));
  inputs_["mouse"] = test::random_tensor({2, 9, 2}, 1);
  result = forward();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("this model takes no actions"));
}

TEST_F(ForwardTransformerTest, BadInputIsOneLineAndWritesNothing) {
  inputs_.erase("timestep");
  auto result = forward();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("in.safetensors' has no tensor 'timestep'"));
  inputs_["timestep"] = test::random_tensor({3}, 1);
  result = forward();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("timesteps must be [2] or [2, 3], got [3]"));
  std::filesystem::remove(folder_ / "model/transformer/config.json");
  result = forward();
  EXPECT_EQ(result.status, 1);
  EXPECT_THAT(result.err, HasSubstr("has no config.json, nor has its 'transformer' folder"));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_FALSE(std::filesystem::exists(out_));
}

}  // namespace
}  // namespace mw
