// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mw/models/text/umt5_encoder.h"

namespace mw::train {

/// Token ids of captions, [captions, length] int64: each ends in the end token and is padded by 0.
at::Tensor caption_tokens(const std::filesystem::path& tokenizer_model,
                          const std::vector<std::string>& captions, int64_t length);

/// Sizes of the small UMT5 that learns together with a base model.
text::UMT5Config caption_encoder_config(int64_t vocab_size, int64_t width);

/// Text rows of a batch as the transformer takes them: [B, length, width], zeros behind the end.
/// tokens: [B, length] int64, 0 for padding.
at::Tensor encode_captions(const text::UMT5Encoder& encoder, const at::Tensor& tokens);

}  // namespace mw::train
