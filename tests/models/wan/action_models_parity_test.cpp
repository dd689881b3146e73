// SPDX-License-Identifier: Apache-2.0
// Equality with Micro-World's two transformers as tools/goldens/action_models.py transcribes them.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mw/models/wan/load_transformer.h"
#include "mw/models/wan/transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

class ActionModelsParityTest : public ::testing::TestWithParam<const char*> {
 protected:
  ActionModelsParityTest() {
    std::ofstream(folder_ / "config.json") << metadata_.at("config");
    nn::TensorMap weights;
    const std::string prefix = "weights.";
    for (const auto& [name, tensor] : golden_) {
      if (name.starts_with(prefix)) weights.emplace(name.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder_ / "diffusion_pytorch_model.safetensors", weights);
  }

  at::Tensor input(const std::string& name) const {
    const auto found = golden_.find("in." + name);
    return found == golden_.end() ? at::Tensor() : found->second;
  }

  at::Tensor forward(const Transformer& model, const LayerProbe& probe = nullptr,
                     bool has_actions = true) const {
    const at::Tensor latents = input("hidden_states");
    const Context context =
        model.context(input("encoder_hidden_states"), input("encoder_hidden_states_image"));
    const at::Tensor actions =
        has_actions ? model.action_features(input("keyboard"), input("mouse"), latents.size(2))
                    : at::Tensor();
    return model.forward(latents, input("timestep"), context, actions, nullptr, probe);
  }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden(std::string("wan/") + GetParam());
  nn::Metadata metadata_ = nn::read_metadata(std::string(MW_SOURCE_DIR) + "/tests/goldens/wan/" +
                                             GetParam() + ".safetensors");
};

TEST_P(ActionModelsParityTest, EveryBlockAgreesInFloat32) {
  const Transformer model = load_transformer(folder_.path());
  const at::Tensor sample = forward(model, [&](int64_t block, const at::Tensor& tokens) {
    EXPECT_TENSOR_NEAR(tokens, golden_.at("tokens." + std::to_string(block + 1)), test::kFp32Parity)
        << "after block " << block;
  });
  EXPECT_TENSOR_NEAR(sample, golden_.at("sample"), test::kFp32Parity);
}

TEST_P(ActionModelsParityTest, Bfloat16IsNoWorseThanTheTranscription) {
  const at::Tensor& wanted = golden_.at("sample");
  const at::Tensor got = forward(load_transformer(folder_.path(), at::kBFloat16));
  const double error =
      got.sub(wanted).square().mean().item<double>() / wanted.square().mean().item<double>();
  RecordProperty("bf16_error", std::to_string(error));
  EXPECT_LE(error, test::kBf16Parity);
  EXPECT_LE(error, std::stod(metadata_.at("peer_bf16_error")));
}

TEST_P(ActionModelsParityTest, ActionsMatter) {
  const Transformer model = load_transformer(folder_.path());
  const at::Tensor without = forward(model, nullptr, false);
  EXPECT_GT(without.sub(golden_.at("sample")).abs().max().item<float>(), 0.1);
}

TEST_P(ActionModelsParityTest, TheConfigSurvivesAFile) {
  const WanConfig config = WanConfig::read(folder_ / "config.json");
  config.write(folder_ / "again.json");
  const WanConfig again = WanConfig::read(folder_ / "again.json");
  EXPECT_EQ(again.action_layers, config.action_layers);
  EXPECT_EQ(again.action_dim, 16);
  EXPECT_EQ(again.has_control_branch(), GetParam() == std::string("control"));
}

INSTANTIATE_TEST_SUITE_P(MicroWorld, ActionModelsParityTest, ::testing::Values("control", "adaln"),
                         [](const auto& test) { return std::string(test.param); });

}  // namespace
}  // namespace mw::wan
