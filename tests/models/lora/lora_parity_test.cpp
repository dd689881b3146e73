// SPDX-License-Identifier: Apache-2.0
// LoRA in every key style against diffusers and peft; goldens by tools/goldens/lora.py.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mw/models/lora/merge_lora.h"
#include "mw/models/wan/load_transformer.h"
#include "mw/models/wan/transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::lora {
namespace {

constexpr double kStrength = 0.7;
const std::filesystem::path kGoldens = std::filesystem::path(MW_SOURCE_DIR) / "tests/goldens";

/// The tiny text-to-video model that the goldens change.
class LoraParityTest : public ::testing::Test {
 protected:
  LoraParityTest() {
    std::ofstream(folder_ / "config.json")
        << nn::read_metadata(kGoldens / "wan/t2v.safetensors").at("config");
    nn::TensorMap weights;
    const std::string prefix = "weights.";
    for (const auto& [name, tensor] : golden_) {
      if (name.starts_with(prefix)) weights.emplace(name.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder_ / "model.safetensors", weights);
  }

  nn::ParameterStore weights(at::ScalarType dtype = at::kFloat) const {
    return wan::load_weights(folder_.path(), dtype);
  }
  static LoraFile file(const std::string& name) { return LoraFile::read(kGoldens / "lora" / name); }

  at::Tensor sample(nn::ParameterStore& store) const {
    wan::WanConfig config = wan::WanConfig::read(folder_ / "config.json");
    config.text_len = golden_.at("in.encoder_hidden_states").size(1);
    const wan::Transformer model(config, nn::WeightScope(store));
    return model.forward(golden_.at("in.hidden_states"), golden_.at("in.timestep"),
                         model.context(golden_.at("in.encoder_hidden_states")));
  }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden("wan/t2v");
  nn::TensorMap wanted_ = test::load_golden("lora/sample");
};

class KeyStyleTest : public LoraParityTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(KeyStyleTest, MergedAndBesideTheWeightsItAgrees) {
  nn::ParameterStore merged = weights(), beside = weights();
  merge_lora(merged, file(GetParam()), kStrength);
  EXPECT_TENSOR_NEAR(sample(merged), wanted_.at("lora"), test::kFp32Parity);
  attach_lora(beside, file(GetParam()), kStrength);
  EXPECT_TENSOR_NEAR(sample(beside), wanted_.at("lora"), test::kFp32Parity);
}

TEST_P(KeyStyleTest, NamesEveryModuleWithItsScale) {
  const LoraFile lora = file(GetParam());
  EXPECT_EQ(lora.modules.size(), 2U * 10 + 6);
  EXPECT_TRUE(lora.differences.empty());
  EXPECT_EQ(lora.modules.at("blocks.1.ffn.0").scale, 0.5);  // alpha 1, rank 2
  EXPECT_EQ(lora.modules.at("blocks.0.cross_attn.o").scale, 1.5);
  EXPECT_EQ(lora.modules.at("time_projection.1").scale, 1.5);
}

INSTANTIATE_TEST_SUITE_P(Lora, KeyStyleTest,
                         ::testing::Values("diffusers.safetensors", "original.safetensors",
                                           "kohya.safetensors", "videox_fun.safetensors",
                                           "lycoris.safetensors",
                                           "raw_peft/adapter_model.safetensors"),
                         [](const auto& test) {
                           const std::string name = test.param;
                           return name.substr(0, name.find_first_of("./"));
                         });

TEST_F(LoraParityTest, DifferencesOfNormsBiasesAndTablesAgree) {
  nn::ParameterStore merged = weights(), beside = weights();
  merge_lora(merged, file("differences.safetensors"), kStrength);
  EXPECT_TENSOR_NEAR(sample(merged), wanted_.at("differences"), test::kFp32Parity);
  attach_lora(beside, file("differences.safetensors"), kStrength);
  EXPECT_TENSOR_NEAR(sample(beside), wanted_.at("differences"), test::kFp32Parity);
}

TEST_F(LoraParityTest, MergedBfloat16IsWithinItsRounding) {
  nn::ParameterStore store = weights(at::kBFloat16);
  merge_lora(store, file("diffusers.safetensors"), kStrength);
  const at::Tensor& wanted = wanted_.at("lora");
  EXPECT_LE(sample(store).sub(wanted).square().mean().item<double>() /
                wanted.square().mean().item<double>(),
            test::kBf16Parity);
}

TEST_F(LoraParityTest, UnmergedWeightsAreTheOldOnes) {
  const LoraFile lora = file("kohya.safetensors"), differences = file("differences.safetensors");
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    nn::ParameterStore store = weights(dtype);
    nn::TensorMap before;
    for (const auto& [name, tensor] : store.tensors()) before.emplace(name, tensor.clone());
    merge_lora(store, lora, kStrength);
    merge_lora(store, differences, -2);
    unmerge_lora(store, differences, -2);
    unmerge_lora(store, lora, kStrength);
    for (const auto& [name, tensor] : before) {
      // Half a unit in the last place of the larger, merged value, twice.
      const at::Tensor merged_size = tensor.abs().add(4).to(at::kFloat);
      const double unit = tensor.scalar_type() == at::kFloat ? 1e-6 : 1.0 / 128;
      const at::Tensor off = store.tensors().at(name).sub(tensor).abs().to(at::kFloat);
      EXPECT_TRUE(off.le(merged_size.mul(unit)).all().item<bool>()) << name;
    }
  }
}

TEST_F(LoraParityTest, SeveralAddUpInAnyWay) {
  const LoraFile one = file("kohya.safetensors"), two = file("differences.safetensors");
  nn::ParameterStore merged = weights(), beside = weights(), mixed = weights();
  merge_lora(merged, one, 0.5);
  merge_lora(merged, one, -0.2);
  merge_lora(merged, two, 0.3);
  const at::Tensor wanted = sample(merged);
  attach_lora(beside, one, 0.5);
  attach_lora(beside, two, 0.3);
  attach_lora(beside, one, -0.2);
  EXPECT_TENSOR_NEAR(sample(beside), wanted, test::kFp32Parity);
  attach_lora(mixed, one, 0.5);
  merge_lora(mixed, two, 0.3);
  merge_lora(mixed, one, -0.2);
  EXPECT_TENSOR_NEAR(sample(mixed), wanted, test::kFp32Parity);
}

TEST_F(LoraParityTest, StrengthZeroChangesNothing) {
  nn::ParameterStore store = weights(), plain = weights();
  merge_lora(store, file("kohya.safetensors"), 0);
  for (const auto& [name, tensor] : plain.tensors()) {
    EXPECT_TENSOR_NEAR(store.tensors().at(name), tensor, test::kExact) << name;
  }
}

}  // namespace
}  // namespace mw::lora
