// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mw/nn/embedding.h"
#include "mw/nn/linear.h"
#include "mw/nn/norm.h"

namespace mw::text {

/// Sizes of a UMT5 encoder. The defaults are those of UMT5-XXL, the text encoder of Wan.
struct UMT5Config {
  int64_t vocab_size = 256384;
  int64_t d_model = 4096;
  int64_t d_kv = 64;  ///< Size of a head; heads together need not be d_model wide.
  int64_t d_ff = 10240;
  int64_t num_layers = 24;
  int64_t num_heads = 64;
  double eps = 1e-6;

  static constexpr int64_t kNumBuckets = 32;  ///< Of relative positions, for distances to 128.

  /// Reads and writes a Hugging Face `config.json`. Throws Error kIo, kFormat or kConfig.
  static UMT5Config read(const std::filesystem::path& config_json);
  void write(const std::filesystem::path& config_json) const;
  /// Throws Error kConfig, naming `source`, when a size is out of range.
  void check(const std::string& source) const;
};

/// Which of 32 learned biases a key at `key - query == distance` gets: 16 for keys behind, 16 for
/// keys ahead; exact up to 7 away, then in growing steps.
/// Source: arXiv:1910.10683; `relative_position_bucket` of the T5 family.
int64_t position_bucket(int64_t distance);

/// The UMT5 encoder: token ids in, one vector per token out. A bias of its own per layer for
/// relative positions, no scaling of scores, gated GELU, RMS norms, no biases.
///
/// Const and shareable between threads. Source: arXiv:2304.09151; `T5Encoder` in
/// github.com/Wan-Video/Wan2.1.
class UMT5Encoder {
 public:
  /// Binds the original's names (`token_embedding.weight`, `blocks.N.attn.q.weight`, ...).
  UMT5Encoder(const UMT5Config& config, const nn::WeightScope& weights);

  /// input_ids: [B, S] int64; attention_mask: [B, S], 1 for real tokens, or undefined for all. The
  /// result is [B, S, d_model]; rows of padding are of no use.
  at::Tensor forward(const at::Tensor& input_ids, const at::Tensor& attention_mask = {}) const;

  const UMT5Config& config() const { return config_; }

 private:
  struct Layer {
    nn::RMSNorm norm1;
    nn::Linear q, k, v, o;
    nn::Embedding position_bias;  // [32, heads]
    nn::RMSNorm norm2;
    nn::Linear gate, up, down;
  };
  at::Tensor attend(const Layer& layer, const at::Tensor& x, const at::Tensor& bias) const;

  UMT5Config config_;
  nn::Embedding tokens_;
  std::vector<Layer> layers_;
  nn::RMSNorm norm_;
};

/// The original's name of a Hugging Face tensor name; other names are returned as they are.
std::string umt5_original_name(const std::string& hugging_face_name);
/// The other way.
std::string umt5_hugging_face_name(const std::string& original_name);

/// The config of weights that come without one, from their shapes; tensors in the original naming.
/// Throws Error kWeights or kConfig, naming `source`.
UMT5Config umt5_config_of(const nn::TensorMap& tensors, const std::string& source);

/// Loads a `text_encoder/` folder with `config.json`, or one file (`.pth`, `.safetensors`, `.gguf`)
/// whose sizes its tensors tell; in either naming. Strict: see nn::build_strictly.
UMT5Encoder load_umt5(const std::filesystem::path& folder_or_file,
                      at::ScalarType dtype = at::kFloat);

}  // namespace mw::text
