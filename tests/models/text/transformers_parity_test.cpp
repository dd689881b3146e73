// SPDX-License-Identifier: Apache-2.0
// Equality with transformers' UMT5EncoderModel; the golden is made by tools/goldens/text.py.
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "mw/models/text/umt5_encoder.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::text {
namespace {

/// The golden as a `text_encoder/` folder, and what transformers computed with it.
class TransformersParityTest : public ::testing::Test {
 protected:
  TransformersParityTest() {
    metadata_ =
        nn::read_metadata(std::string(MW_SOURCE_DIR) + "/tests/goldens/text/umt5.safetensors");
    std::ofstream(folder_.path() / "config.json") << metadata_.at("config");
    nn::TensorMap weights;
    const std::string prefix = "weights.";
    for (const auto& [name, tensor] : golden_) {
      if (name.starts_with(prefix)) weights.emplace(name.substr(prefix.size()), tensor);
    }
    nn::write_tensors(folder_.path() / "model.safetensors", weights);
  }

  /// Hidden states of the tokens, without padding: [tokens, d_model] float32.
  at::Tensor states(at::ScalarType dtype) const {
    const UMT5Encoder encoder = load_umt5(folder_.path(), dtype);
    return real(encoder.forward(golden_.at("in.input_ids"), golden_.at("in.attention_mask")));
  }
  at::Tensor wanted() const { return real(golden_.at("last_hidden_state")); }
  double peer_bf16_error() const { return std::stod(metadata_.at("peer_bf16_error")); }

 protected:
  /// The second text has 13 tokens.
  static at::Tensor real(const at::Tensor& x) {
    return at::cat({x.select(0, 0), x.select(0, 1).narrow(0, 0, 13)}, 0).to(at::kFloat);
  }

  test::ScratchFolder folder_;
  nn::TensorMap golden_ = test::load_golden("text/umt5");
  nn::Metadata metadata_;
};

TEST_F(TransformersParityTest, Float32Agrees) {
  const at::Tensor got = states(at::kFloat);
  RecordProperty("max_error", std::to_string(got.sub(wanted()).abs().max().item<double>()));
  EXPECT_TENSOR_NEAR(got, wanted(), test::kFp32Parity);
}

TEST_F(TransformersParityTest, Bfloat16IsNoWorseThanThePeer) {
  const double error = states(at::kBFloat16).sub(wanted()).square().mean().item<double>() /
                       wanted().square().mean().item<double>();
  RecordProperty("bf16_error", std::to_string(error));
  EXPECT_LE(error, peer_bf16_error());
}

TEST_F(TransformersParityTest, OneFileSaysItsOwnSizes) {
  nn::TensorMap file;
  for (const auto& [name, tensor] : nn::read_tensors(folder_.path() / "model.safetensors")) {
    file.emplace(umt5_original_name(name), tensor);
  }
  file.emplace("spiece_model", at::zeros({5}, at::kByte));
  const std::filesystem::path path = folder_.path() / "one" / "t5.safetensors";
  std::filesystem::create_directory(path.parent_path());
  nn::write_tensors(path, file);
  const UMT5Encoder encoder = load_umt5(path);
  EXPECT_EQ(encoder.config().d_kv, 16);
  EXPECT_EQ(encoder.config().num_layers, 2);
  EXPECT_TENSOR_NEAR(
      real(encoder.forward(golden_.at("in.input_ids"), golden_.at("in.attention_mask"))),
      states(at::kFloat), test::kExact);
  file.erase("blocks.0.attn.q.weight");
  nn::write_tensors(path, file);
  EXPECT_ERROR(load_umt5(path), ErrorCode::kWeights, "'blocks.0.attn.q.weight'");
}

TEST(UMT5SizeTest, IsThePublishedOne) {
  nn::ParameterStore store = nn::ParameterStore::without_values();
  const UMT5Encoder encoder(UMT5Config{}, nn::WeightScope(store));
  EXPECT_EQ(store.num_parameters(), 5680910336);
  EXPECT_EQ(store.tensors().size(), 242U);
}

}  // namespace
}  // namespace mw::text
