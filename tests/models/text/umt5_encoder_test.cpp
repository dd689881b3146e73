// SPDX-License-Identifier: Apache-2.0
#include "mw/models/text/umt5_encoder.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/support/tensors.h"

namespace mw::text {
namespace {

UMT5Config tiny_config() {
  return {
      .vocab_size = 300, .d_model = 64, .d_kv = 16, .d_ff = 128, .num_layers = 2, .num_heads = 4};
}

/// Published recipe: names sorted by byte, parameter k, flat element i: 0.1 sin(0.7 (i mod 1009) +
/// 1.3 k), plus 1 for one-dimensional weights.
void fill_with_recipe(const nn::ParameterStore& store) {
  int64_t k = 0;
  for (const auto& [name, tensor] : store.tensors()) {
    float* data = tensor.data_ptr<float>();
    const double offset = tensor.dim() == 1 ? 1 : 0;
    for (int64_t i = 0; i < tensor.numel(); ++i) {
      data[i] = static_cast<float>(
          0.1 * std::sin(0.7 * static_cast<double>(i % 1009) + 1.3 * static_cast<double>(k)) +
          offset);
    }
    ++k;
  }
}

TEST(UMT5EncoderTest, PublishedVector) {
  nn::ParameterStore store = nn::ParameterStore::created(1);
  const UMT5Encoder encoder(tiny_config(), nn::WeightScope(store));
  fill_with_recipe(store);
  const auto longs = at::TensorOptions(at::kLong);
  const at::Tensor ids = at::tensor({5, 17, 250, 3, 99, 42, 1, 0, 0, 0, 0, 0}, longs).unsqueeze(0);
  const at::Tensor mask = at::cat({at::ones({1, 7}, longs), at::zeros({1, 5}, longs)}, 1);
  const at::Tensor out = encoder.forward(ids, mask).narrow(1, 0, 7).flatten().to(at::kDouble);
  EXPECT_NEAR(out.mean().item<double>(), -0.003014, 2e-6);
  EXPECT_NEAR(out.std(false).item<double>(), 1.001633, 2e-6);
  EXPECT_NEAR(out.abs().max().item<double>(), 2.648745, 5e-6);
  const double first[] = {1.000371, 1.044773, 0.927842, 0.193097};
  const double last[] = {1.157137, 1.137179, 0.267508, 1.585349};
  for (int64_t i = 0; i < 4; ++i) {
    EXPECT_NEAR(out[i].item<double>(), first[i], 1e-5);
    EXPECT_NEAR(out[out.numel() - 4 + i].item<double>(), last[i], 1e-5);
  }
}

TEST(UMT5EncoderTest, PaddingIsNeverSeen) {
  nn::ParameterStore store = nn::ParameterStore::created(2);
  const UMT5Encoder encoder(tiny_config(), nn::WeightScope(store));
  const auto longs = at::TensorOptions(at::kLong);
  const at::Tensor ids = at::tensor({7, 8, 9, 1}, longs).unsqueeze(0);
  const at::Tensor padded = at::tensor({7, 8, 9, 1, 55, 66}, longs).unsqueeze(0);
  const at::Tensor mask = at::tensor({1, 1, 1, 1, 0, 0}, longs).unsqueeze(0);
  EXPECT_TENSOR_NEAR(encoder.forward(padded, mask).narrow(1, 0, 4), encoder.forward(ids),
                     test::kFp32Reordered);
}

TEST(UMT5EncoderTest, BothNamingsNameTheSameTensors) {
  nn::ParameterStore store = nn::ParameterStore::created(3);
  const UMT5Encoder encoder(tiny_config(), nn::WeightScope(store));
  nn::TensorMap renamed;
  for (const auto& [name, tensor] : store.tensors()) {
    const std::string other = umt5_hugging_face_name(name);
    EXPECT_NE(other, name);
    EXPECT_EQ(umt5_original_name(other), name);
    renamed[other] = tensor;
  }
  EXPECT_EQ(renamed.size(), store.tensors().size());
  renamed["encoder.embed_tokens.weight"] = renamed.at("shared.weight").clone();
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "umt5";
  std::filesystem::create_directories(folder);
  tiny_config().write(folder / "config.json");
  nn::write_tensors(folder / "model.safetensors", renamed);
  const at::Tensor ids = at::tensor({4, 5, 1}, at::TensorOptions(at::kLong)).unsqueeze(0);
  EXPECT_TENSOR_NEAR(load_umt5(folder).forward(ids), encoder.forward(ids), test::kExact);
  renamed.erase("encoder.block.1.layer.1.DenseReluDense.wo.weight");
  nn::write_tensors(folder / "model.safetensors", renamed);
  EXPECT_ERROR(load_umt5(folder), ErrorCode::kWeights, "blocks.1.ffn.fc2.weight");
}

TEST(UMT5EncoderTest, BucketsOfThePublishedTable) {
  EXPECT_EQ(position_bucket(0), 0);
  EXPECT_EQ(position_bucket(-7), 7);
  EXPECT_EQ(position_bucket(-11), 8);
  EXPECT_EQ(position_bucket(-12), 9);
  EXPECT_EQ(position_bucket(-90), 14);
  EXPECT_EQ(position_bucket(-500), 15);
  EXPECT_EQ(position_bucket(1), 17);
  EXPECT_EQ(position_bucket(23), 27);
}

TEST(UMT5EncoderTest, IdsOutsideTheVocabularyAreRefused) {
  nn::ParameterStore store = nn::ParameterStore::created(4);
  const UMT5Encoder encoder(tiny_config(), nn::WeightScope(store));
  const at::Tensor ids = at::tensor({4, 300}, at::TensorOptions(at::kLong)).unsqueeze(0);
  EXPECT_ERROR(encoder.forward(ids), ErrorCode::kInvalidArgument, "vocabulary of 300");
}

}  // namespace
}  // namespace mw::text
