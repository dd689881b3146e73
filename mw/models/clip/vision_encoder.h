// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "mw/nn/linear.h"
#include "mw/nn/norm.h"

namespace mw::clip {

/// Sizes of CLIP's vision transformer. The defaults are those of ViT-H/14, the image encoder of
/// Wan's image models.
struct VisionConfig {
  int64_t width = 1280;
  int64_t mlp_dim = 5120;
  int64_t num_layers = 32;  ///< As published; the last one is never run.
  int64_t num_heads = 16;
  int64_t image_size = 224;  ///< Pixels of a side.
  int64_t patch_size = 14;
  double eps = 1e-5;

  /// Rows of the result: one for the whole image, then one for each patch.
  int64_t num_tokens() const {
    const int64_t side = image_size / patch_size;
    return 1 + side * side;
  }

  /// Reads and writes a Hugging Face `config.json`, of a CLIPVisionModel or of a whole CLIP.
  /// Throws Error kIo, kFormat or kConfig, naming the file.
  static VisionConfig read(const std::filesystem::path& config_json);
  void write(const std::filesystem::path& config_json) const;
  /// Throws Error kConfig, naming `source`, when the sizes can't belong to a model.
  void check(const std::string& source) const;
};

/// CLIP's image encoder as Wan uses it: all tokens of the last layer but one, without the final
/// norm and projection. Const and shareable between threads.
/// Source: arXiv:2103.00020; `VisionTransformer` in github.com/Wan-Video/Wan2.1.
class VisionEncoder {
 public:
  /// Binds the original's names (`cls_embedding`, `transformer.N.attn.to_qkv.weight`, ...) of what
  /// is run, all layers but the last.
  VisionEncoder(const VisionConfig& config, const nn::WeightScope& weights);

  /// pixels: [B, 3, S, S], normalised by CLIP's means and deviations. The result is
  /// [B, num_tokens, width], in the weights' dtype.
  at::Tensor forward(const at::Tensor& pixels) const;

  const VisionConfig& config() const { return config_; }

 private:
  struct Layer {
    nn::LayerNorm norm1;
    nn::Linear qkv, proj;
    nn::LayerNorm norm2;
    nn::Linear mlp_in, mlp_out;
  };
  at::Tensor attend(const Layer& layer, const at::Tensor& x) const;

  VisionConfig config_;
  at::Tensor class_token_;   // [1, 1, width]
  at::Tensor positions_;     // [1, num_tokens, width]
  at::Tensor patch_weight_;  // [width, 3, P, P]
  nn::LayerNorm pre_norm_;
  std::vector<Layer> layers_;
};

/// The original's name of a Hugging Face tensor name; other names are returned as they are. The
/// projections `self_attn.{q,k,v}_proj` are one tensor in the original: they become
/// `attn.to_qkv.{0,1,2}`, rows in this order.
std::string original_name(const std::string& hugging_face_name);

/// Loads an `image_encoder/` folder of Hugging Face, or one weights file of either naming, whose
/// sizes then follow from its shapes. A text encoder beside it, the last layer, the final norm and
/// the projections are passed over; beyond that missing and unused tensors are errors.
VisionEncoder load_vision_encoder(const std::filesystem::path& folder_or_file,
                                  at::ScalarType dtype = at::kFloat);

}  // namespace mw::clip
