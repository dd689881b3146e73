// SPDX-License-Identifier: Apache-2.0
#include "mw/models/text/umt5_encoder.h"

#include <ATen/ops/gelu.h>
#include <ATen/ops/tensor.h>

#include <array>
#include <cmath>
#include <limits>

#include "mw/core/error.h"

namespace mw::text {

int64_t position_bucket(int64_t distance) {
  // First distances of the wider steps: where 8 + 8 ln(n/8)/ln(16) reaches 8, 9, ... 15. A table,
  // because the logarithm's rounding differs between libraries.
  constexpr std::array<int64_t, 8> kSteps = {8, 12, 16, 23, 32, 46, 64, 91};
  const int64_t away = std::abs(distance);
  int64_t bucket = away;
  if (away >= kSteps[0]) {
    bucket = 7;
    for (const int64_t step : kSteps) bucket += away >= step ? 1 : 0;
  }
  return bucket + (distance > 0 ? UMT5Config::kNumBuckets / 2 : 0);
}

UMT5Encoder::UMT5Encoder(const UMT5Config& config, const nn::WeightScope& weights)
    : config_(config),
      tokens_(weights / "token_embedding", config.vocab_size, config.d_model),
      norm_(weights / "norm", config.d_model, config.eps) {
  const int64_t inner = config.num_heads * config.d_kv;
  // Initial deviations of the T5 family: scores are not scaled, so queries start small.
  const auto init = [](int64_t fan_in) {
    return nn::Init::normal(1 / std::sqrt(static_cast<double>(fan_in)));
  };
  for (int64_t i = 0; i < config.num_layers; ++i) {
    const nn::WeightScope scope = weights / "blocks" / i;
    const nn::WeightScope attention = scope / "attn";
    layers_.push_back(
        {.norm1 = nn::RMSNorm(scope / "norm1", config.d_model, config.eps),
         .q = nn::Linear(attention / "q", config.d_model, inner, false,
                         init(config.d_model * config.d_kv)),
         .k = nn::Linear(attention / "k", config.d_model, inner, false, init(config.d_model)),
         .v = nn::Linear(attention / "v", config.d_model, inner, false, init(config.d_model)),
         .o = nn::Linear(attention / "o", inner, config.d_model, false, init(inner)),
         .position_bias =
             nn::Embedding(scope / "pos_embedding" / "embedding", UMT5Config::kNumBuckets,
                           config.num_heads, init(config.d_model)),
         .norm2 = nn::RMSNorm(scope / "norm2", config.d_model, config.eps),
         .gate = nn::Linear(scope / "ffn" / "gate" / 0, config.d_model, config.d_ff, false,
                            init(config.d_model)),
         .up = nn::Linear(scope / "ffn" / "fc1", config.d_model, config.d_ff, false,
                          init(config.d_model)),
         .down = nn::Linear(scope / "ffn" / "fc2", config.d_ff, config.d_model, false,
                            init(config.d_ff))});
  }
}

at::Tensor UMT5Encoder::forward(const at::Tensor& input_ids,
                                const at::Tensor& attention_mask) const {
  MW_CHECK(input_ids.dim() == 2 && input_ids.scalar_type() == at::kLong,
           "UMT5: input_ids must be [B, S] int64, got ", input_ids.sizes(), " ",
           at::toString(input_ids.scalar_type()));
  MW_CHECK(input_ids.numel() == 0 || (input_ids.min().item<int64_t>() >= 0 &&
                                      input_ids.max().item<int64_t>() < config_.vocab_size),
           "UMT5: a token id is outside the vocabulary of ", config_.vocab_size);
  const int64_t length = input_ids.size(1);
  std::vector<int64_t> buckets;  // [query x key]
  for (int64_t query = 0; query < length; ++query) {
    for (int64_t key = 0; key < length; ++key) buckets.push_back(position_bucket(key - query));
  }
  const at::Tensor bucket = at::tensor(buckets, at::TensorOptions(at::kLong))
                                .view({length, length})
                                .to(input_ids.device());
  at::Tensor x = tokens_.forward(input_ids);
  const double hidden = std::numeric_limits<float>::lowest();
  for (const Layer& layer : layers_) {
    // [S, S, heads] -> [1, heads, S, S]; hidden keys get the lowest score instead of a bias.
    at::Tensor bias =
        layer.position_bias.forward(bucket).to(at::kFloat).permute({2, 0, 1}).unsqueeze(0);
    if (attention_mask.defined()) {
      bias = bias.masked_fill(attention_mask.eq(0).unsqueeze(1).unsqueeze(1), hidden);
    }
    x = x.add(attend(layer, layer.norm1.forward(x), bias));
    const at::Tensor y = layer.norm2.forward(x);
    x = x.add(layer.down.forward(layer.up.forward(y).mul(at::gelu(layer.gate.forward(y), "tanh"))));
  }
  return norm_.forward(x);
}

at::Tensor UMT5Encoder::attend(const Layer& layer, const at::Tensor& x,
                               const at::Tensor& bias) const {
  const auto heads = [&](const at::Tensor& t) {  // [B, S, N*D] -> [B, N, S, D]
    return t.unflatten(2, {config_.num_heads, config_.d_kv}).transpose(1, 2);
  };
  const at::Tensor v = heads(layer.v.forward(x));
  const at::Tensor scores =
      heads(layer.q.forward(x)).matmul(heads(layer.k.forward(x)).transpose(2, 3)).to(at::kFloat);
  const at::Tensor mixed = scores.add(bias).softmax(-1).to(v.scalar_type()).matmul(v);
  return layer.o.forward(mixed.transpose(1, 2).flatten(2));
}

}  // namespace mw::text
