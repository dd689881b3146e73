// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/load_transformer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/checkpoint_bytes.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::wan {
namespace {

WanConfig tiny_config() {
  WanConfig config;
  config.dim = 16;
  config.ffn_dim = 32;
  config.num_heads = 2;
  config.num_layers = 2;
  config.text_dim = 8;
  return config;
}

/// As stable-diffusion.cpp writes it: a prefix before the original names, at most four axes, no
/// leading axis of size 1.
std::string gguf_of(const nn::TensorMap& tensors) {
  test::GgufBytes file;
  file.num_tensors = tensors.size();
  for (const auto& [name, tensor] : tensors) {
    std::vector<uint64_t> extents;
    for (int64_t i = tensor.dim() - 1; i >= 0; --i) {
      extents.push_back(static_cast<uint64_t>(tensor.size(i)));
    }
    while (extents.size() > 4) {
      extents[extents.size() - 2] *= extents.back();
      extents.pop_back();
    }
    while (extents.size() > 1 && extents.back() == 1) extents.pop_back();
    file.tensors +=
        test::gguf_tensor("model.diffusion_model." + name, extents, 0, file.data.size());
    file.data.append(static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes());
    file.data.resize((file.data.size() + 31) / 32 * 32);
  }
  return file.file();
}

TEST(LoadTransformerTest, GgufFileHasTheTensorsThatWereWritten) {
  nn::ParameterStore written = nn::ParameterStore::created(1);
  const Transformer model(tiny_config(), nn::WeightScope(written));
  const test::ScratchFolder scratch;
  test::write_bytes(scratch / "wan.gguf", gguf_of(written.tensors()));
  const nn::ParameterStore read = load_weights(scratch / "wan.gguf");
  ASSERT_EQ(read.tensors().size(), written.tensors().size());
  for (const auto& [name, tensor] : written.tensors()) {
    EXPECT_TENSOR_NEAR(read.tensors().at(name), tensor, test::kExact) << name;
  }
  load_transformer(scratch / "wan.gguf", tiny_config());
}

TEST(LoadTransformerTest, WhatDoesNotFitIsListedInOneLine) {
  nn::ParameterStore written = nn::ParameterStore::created(1);
  const Transformer model(tiny_config(), nn::WeightScope(written));
  nn::TensorMap tensors = written.tensors();
  tensors.erase("head.modulation");
  tensors["blocks.2.modulation"] = tensors.at("blocks.1.modulation");
  tensors["head.head.bias"] = test::random_tensor({3}, 1);
  const test::ScratchFolder scratch;
  nn::write_tensors(scratch / "m.safetensors", tensors);
  EXPECT_ERROR(load_transformer(scratch / "m.safetensors", tiny_config()), ErrorCode::kWeights,
               "missing 1: head.modulation; wrong 1: 'head.head.bias' must be [64], the file has "
               "[3]; without a place 1: blocks.2.modulation");
}

}  // namespace
}  // namespace mw::wan
