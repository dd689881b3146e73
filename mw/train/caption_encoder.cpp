// SPDX-License-Identifier: Apache-2.0
#include "mw/train/caption_encoder.h"

#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>

#include "mw/core/error.h"
#include "mw/models/text/tokenizer.h"

namespace mw::train {

at::Tensor caption_tokens(const std::filesystem::path& tokenizer_model,
                          const std::vector<std::string>& captions, int64_t length) {
  MW_CHECK(!captions.empty(), "captions: wanted at least one");
  const text::Tokenizer tokenizer(tokenizer_model);
  std::vector<at::Tensor> rows;
  for (const std::string& caption : captions) {
    rows.push_back(at::tensor(tokenizer.encode(caption, length).ids, at::TensorOptions(at::kLong)));
  }
  return at::stack(rows);
}

text::UMT5Config caption_encoder_config(int64_t vocab_size, int64_t width) {
  return {.vocab_size = vocab_size,
          .d_model = width,
          .d_kv = 16,
          .d_ff = 2 * width,
          .num_layers = 2,
          .num_heads = 4};
}

at::Tensor encode_captions(const text::UMT5Encoder& encoder, const at::Tensor& tokens) {
  const at::Tensor mask = tokens.ne(0);
  const at::Tensor rows = encoder.forward(tokens, mask);
  return rows.mul(mask.unsqueeze(2).to(rows));
}

}  // namespace mw::train
