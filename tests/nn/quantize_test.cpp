// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/quantize.h"

#include <gtest/gtest.h>

#include "mw/nn/linear.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::nn {
namespace {

using test::random_tensor;

TensorMap tiny_weights() {
  return {{"blocks.0.ffn.0.weight", random_tensor({24, 16}, 1)},
          {"blocks.0.ffn.0.bias", random_tensor({24}, 2).to(at::kBFloat16)},
          {"blocks.0.modulation", random_tensor({1, 6, 16}, 3)},
          {"blocks.0.norm3.weight", random_tensor({16}, 4)},
          {"text_embedding.0.weight", random_tensor({16, 16}, 5)},
          {"blocks_note.weight", random_tensor({2, 2}, 6)}};
}

TEST(QuantizeTest, OnlyMatricesOfBlocksAreRounded) {
  QuantizationReport report;
  const TensorMap rounded = quantized_int8(tiny_weights(), &report);
  EXPECT_EQ(rounded.size(), tiny_weights().size() + 1);
  for (const auto& [name, tensor] : rounded) {
    EXPECT_EQ(tensor.scalar_type() == at::kChar, name == "blocks.0.ffn.0.weight") << name;
  }
  EXPECT_EQ(rounded.at("blocks.0.ffn.0.weight_scale").sizes(), at::IntArrayRef({24}));
  EXPECT_EQ(report.num_matrices, 1);
  EXPECT_EQ(report.worst_name, "blocks.0.ffn.0.weight");
  EXPECT_GT(report.mean_error, 1e-6);
  EXPECT_LT(report.mean_error, 1e-4);
  EXPECT_EQ(report.bytes_before - report.bytes_after, 24 * 16 * 3 - 24 * 4);
}

TEST(QuantizeTest, ALinearLayerTakesThemFromAFile) {
  const test::ScratchFolder scratch;
  write_tensors(scratch / "int8.safetensors", quantized_int8(tiny_weights()));
  ParameterStore exact_store(tiny_weights());
  ParameterStore store = ParameterStore::loaded(scratch / "int8.safetensors");
  const auto layer_of = [](ParameterStore& from) {
    return Linear(WeightScope(from) / "blocks" / 0 / "ffn" / 0, 16, 24);
  };
  const Linear layer = layer_of(store), exact = layer_of(exact_store);
  EXPECT_TRUE(layer.is_int8());
  EXPECT_EQ(layer.compute_dtype(), at::kBFloat16);  // The bias's.
  const at::Tensor x = random_tensor({3, 16}, 7);
  const at::Tensor wanted = exact.forward_in_float(x);
  const auto error_of = [&](const at::Tensor& y) {
    return y.to(at::kFloat).sub(wanted).square().mean().div(wanted.square().mean()).item<double>();
  };
  EXPECT_LT(error_of(layer.forward(x.to(at::kBFloat16))), 5e-4);
  EXPECT_LT(error_of(layer.forward_in_float(x)), 1e-4);  // Exact activations: half the error.
  EXPECT_EQ(layer.forward(x.to(at::kBFloat16)).scalar_type(), at::kBFloat16);
}

TEST(QuantizeTest, BranchesStayExactBesideAnInt8Weight) {
  ParameterStore store(quantized_int8(tiny_weights()));
  const at::Tensor down = random_tensor({2, 16}, 8), up = random_tensor({24, 2}, 9);
  const at::Tensor x = random_tensor({3, 16}, 7).to(at::kBFloat16);
  const Linear plain(WeightScope(store) / "blocks" / 0 / "ffn" / 0, 16, 24);
  store.add_branch("blocks.0.ffn.0", {down, up, 0.5});
  const Linear with_branch(WeightScope(store) / "blocks" / 0 / "ffn" / 0, 16, 24);
  const at::Tensor change = with_branch.forward(x).sub(plain.forward(x)).to(at::kFloat);
  EXPECT_TENSOR_NEAR(change, x.to(at::kFloat).matmul(down.t()).matmul(up.t()).mul(0.5), 0.3);
}

TEST(QuantizeTest, WhatIsNoTransformerIsRefused) {
  EXPECT_ERROR(quantized_int8({{"a.weight", random_tensor({2, 2}, 1)}}), ErrorCode::kWeights,
               "this is no transformer's weights");
  EXPECT_ERROR(quantized_int8(quantized_int8(tiny_weights())), ErrorCode::kWeights,
               "in 8 bits already");
  TensorMap damaged = quantized_int8(tiny_weights());
  damaged.erase("blocks.0.ffn.0.weight_scale");
  ParameterStore store(damaged);
  EXPECT_ERROR(Linear(WeightScope(store) / "blocks" / 0 / "ffn" / 0, 16, 24), ErrorCode::kWeights,
               "'blocks.0.ffn.0.weight' must be of a floating dtype");
}

}  // namespace
}  // namespace mw::nn
