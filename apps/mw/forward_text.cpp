// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/tensor.h>

#include "apps/mw/forward_parts.h"
#include "mw/engine/model_layout.h"
#include "mw/models/text/tokenizer.h"
#include "mw/models/text/umt5_encoder.h"

namespace mw::app {
namespace {

at::Tensor one_row(const std::vector<int64_t>& values) {
  return at::tensor(at::ArrayRef<int64_t>(values), at::kLong).unsqueeze(0);
}

}  // namespace

nn::TensorMap forward_text(const ForwardRequest& request) {
  at::Tensor ids, mask;
  if (request.text) {
    const std::filesystem::path own = request.model / "tokenizer" / "spiece.model";
    const text::Tokenizer tokenizer(
        std::filesystem::is_regular_file(own)
            ? own
            : engine::find_layout(request.model.string()).part("tokenizer"));
    const text::TokenIds tokens = tokenizer.encode(*request.text, request.text_length);
    ids = one_row(tokens.ids);
    mask = one_row(tokens.mask);
  } else {
    ids = request.input("input_ids");
    mask = request.input("attention_mask");
  }
  const text::UMT5Encoder encoder = text::load_umt5(request.network("text_encoder"), request.dtype);
  return {{"input_ids", ids},
          {"attention_mask", mask},
          {"last_hidden_state", encoder.forward(ids, mask)}};
}

}  // namespace mw::app
