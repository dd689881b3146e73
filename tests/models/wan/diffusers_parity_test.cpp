// SPDX-License-Identifier: Apache-2.0
// Equality with diffusers' WanTransformer3DModel; the goldens are made by
// tools/goldens/wan_transformer.py.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mw/models/wan/key_map.h"
#include "mw/models/wan/load_transformer.h"
#include "mw/models/wan/transformer.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

/// One golden as a model folder, and what diffusers computed with it.
class Golden {
 public:
  explicit Golden(const std::string& name) : tensors_(test::load_golden("wan/" + name)) {
    const std::string file =
        std::string(MW_SOURCE_DIR) + "/tests/goldens/wan/" + name + ".safetensors";
    metadata_ = nn::read_metadata(file);
    std::ofstream(folder() / "config.json") << metadata_.at("config");
    nn::write_tensors(folder() / "diffusion_pytorch_model.safetensors", part("weights."));
  }

  const std::filesystem::path& folder() const { return folder_.path(); }
  const at::Tensor& at(const std::string& name) const { return tensors_.at(name); }
  double peer_bf16_error() const { return std::stod(metadata_.at("peer_bf16_error")); }

  nn::TensorMap part(const std::string& prefix) const {
    nn::TensorMap found;
    for (const auto& [name, tensor] : tensors_) {
      if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), tensor);
    }
    return found;
  }

  /// diffusers attends to exactly the rows it is given, the original to text_len of them.
  WanConfig config() const {
    WanConfig config = WanConfig::read(folder() / "config.json");
    config.text_len = at("in.encoder_hidden_states").size(1);
    return config;
  }

  at::Tensor forward(const Transformer& model, const LayerProbe& probe = nullptr) const {
    const at::Tensor& x = at("in.hidden_states");
    at::Tensor t = at("in.timestep");
    // One timestep per token there, one per latent frame here.
    if (t.dim() == 2) t = t.unflatten(1, {x.size(2), -1}).select(2, 0);
    const auto image = tensors_.find("in.encoder_hidden_states_image");
    const Context context = model.context(at("in.encoder_hidden_states"),
                                          image == tensors_.end() ? at::Tensor() : image->second);
    return model.forward(x, t, context, {}, nullptr, probe);
  }

 private:
  test::ScratchFolder folder_;
  nn::TensorMap tensors_;
  nn::Metadata metadata_;
};

class DiffusersParityTest : public ::testing::TestWithParam<const char*> {
 protected:
  Golden golden_{GetParam()};
};

TEST_P(DiffusersParityTest, EveryBlockAgreesInFloat32) {
  nn::ParameterStore store = load_weights(golden_.folder());
  const Transformer model(golden_.config(), nn::WeightScope(store));
  store.check_all_used(golden_.folder().string());
  const at::Tensor sample = golden_.forward(model, [&](int64_t block, const at::Tensor& tokens) {
    EXPECT_TENSOR_NEAR(tokens, golden_.at("tokens." + std::to_string(block + 1)), test::kFp32Parity)
        << "after block " << block;
  });
  EXPECT_TENSOR_NEAR(sample, golden_.at("sample"), test::kFp32Parity);
}

TEST_P(DiffusersParityTest, OriginalNamingComputesTheSame) {
  WanConfig config = golden_.config();
  nn::ParameterStore store = load_weights(golden_.folder());
  const at::Tensor wanted = golden_.forward(Transformer(config, nn::WeightScope(store)));

  const std::filesystem::path folder = golden_.folder() / "original";
  std::filesystem::create_directory(folder);
  store.save(folder / "model.safetensors");
  nn::ParameterStore again = load_weights(folder);
  EXPECT_TENSOR_NEAR(golden_.forward(Transformer(config, nn::WeightScope(again))), wanted,
                     test::kFp32Reordered);
  config.naming = Naming::kOriginal;  // Exact angles: diffusers' are off by 1e-4 at t = 1000.
  EXPECT_TENSOR_NEAR(golden_.forward(Transformer(config, nn::WeightScope(again))), wanted, 2e-3);
}

TEST_P(DiffusersParityTest, Bfloat16IsNoWorseThanThePeer) {
  nn::ParameterStore store = load_weights(golden_.folder(), at::kBFloat16);
  const Transformer model(golden_.config(), nn::WeightScope(store));
  const at::Tensor& wanted = golden_.at("sample");
  const double error = golden_.forward(model).sub(wanted).square().mean().item<double>() /
                       wanted.square().mean().item<double>();
  RecordProperty("bf16_error", std::to_string(error));
  EXPECT_LE(error, test::kBf16Parity);
  EXPECT_LE(error, golden_.peer_bf16_error());
}

TEST_P(DiffusersParityTest, NamesGoThereAndBack) {
  nn::ParameterStore store = load_weights(golden_.folder());
  const nn::TensorMap weights = golden_.part("weights.");
  EXPECT_EQ(store.tensors().size(), weights.size());
  for (const auto& [name, tensor] : weights) {
    EXPECT_EQ(diffusers_name(original_name(name)), name);
    EXPECT_TRUE(store.has(original_name(name))) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Wan, DiffusersParityTest, ::testing::Values("t2v", "i2v", "ti2v"),
                         [](const auto& test) { return std::string(test.param); });

TEST(DiffusersGradientTest, EveryWeightAgrees) {
  const Golden golden("t2v");
  nn::ParameterStore store = load_weights(golden.folder());
  for (const auto& [name, tensor] : store.tensors()) tensor.requires_grad_(true);
  const Transformer model(golden.config(), nn::WeightScope(store));
  golden.forward(model).square().mean().backward();
  for (const auto& [name, wanted] : golden.part("gradient.")) {
    const at::Tensor grad = store.tensors().at(original_name(name)).grad();
    ASSERT_TRUE(grad.defined()) << name;
    EXPECT_TENSOR_NEAR(grad, wanted, test::kFp32Parity) << name;
  }
}

}  // namespace
}  // namespace mw::wan
