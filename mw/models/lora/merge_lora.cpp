// SPDX-License-Identifier: Apache-2.0
#include "mw/models/lora/merge_lora.h"

#include <algorithm>
#include <string>
#include <vector>

#include "mw/core/error.h"

namespace mw::lora {
namespace {

bool is_of_image_context(const std::string& name) {
  return name.starts_with("img_emb.") || name.find("_img") != std::string::npos;
}

/// `up down` in the shape of the weight that it changes.
at::Tensor product(const LowRank& part, at::IntArrayRef shape) {
  const at::Tensor up = part.up.flatten(1).to(at::kFloat), down = part.down.flatten(1);
  return up.matmul(down.to(at::kFloat)).view(shape);
}

bool fits(const LowRank& part, const at::Tensor& weight) {
  const bool is_matrix = part.up.numel() == part.up.size(0) * part.up.size(1);
  return is_matrix && weight.dim() >= 2 && part.up.size(0) == weight.size(0) &&
         part.down.flatten(1).size(1) == weight.numel() / weight.size(0);
}

/// The tensor of the model that a name means; undefined when it may be passed over.
class Targets {
 public:
  explicit Targets(const nn::ParameterStore& weights)
      : weights_(weights), has_image_context_(weights.has("img_emb.proj.1.weight")) {}

  at::Tensor find(const std::string& name) {
    const auto found = weights_.tensors().find(name);
    if (found != weights_.tensors().end()) return found->second;
    if (has_image_context_ || !is_of_image_context(name)) complaints_.push_back(name);
    return {};
  }
  void complain(const std::string& name, at::IntArrayRef model, at::IntArrayRef file) {
    complaints_.push_back(concat_message(name, " of ", model, " (in the file: ", file, ")"));
  }
  void refuse_if_any(const std::string& source) const {
    if (complaints_.empty()) return;
    std::string list;
    for (size_t i = 0; i < std::min<size_t>(complaints_.size(), 8); ++i) {
      list += (i == 0 ? "" : ", ") + complaints_[i];
    }
    throw Error(ErrorCode::kWeights,
                concat_message("LoRA: '", source, "' does not fit the model, which has no ", list,
                               complaints_.size() > 8 ? ", ..." : "", " (", complaints_.size(),
                               " in all)"));
  }

 private:
  const nn::ParameterStore& weights_;
  bool has_image_context_;
  std::vector<std::string> complaints_;
};

void check_fit(const nn::ParameterStore& weights, const LoraFile& file) {
  Targets targets(weights);
  for (const auto& [module, part] : file.modules) {
    const at::Tensor weight = targets.find(module + ".weight");
    if (weight.defined() && !fits(part, weight)) {
      targets.complain(module + ".weight", weight.sizes(),
                       {part.up.size(0), part.down.flatten(1).size(1)});
    }
    if (!part.up_bias.defined()) continue;
    const at::Tensor bias = targets.find(module + ".bias");
    if (bias.defined() && bias.numel() != part.up_bias.numel()) {
      targets.complain(module + ".bias", bias.sizes(), part.up_bias.sizes());
    }
  }
  for (const auto& [name, difference] : file.differences) {
    const at::Tensor tensor = targets.find(name);
    if (tensor.defined() && tensor.numel() != difference.numel()) {
      targets.complain(name, tensor.sizes(), difference.sizes());
    }
  }
  targets.refuse_if_any(file.source);
}

at::Tensor sum(const at::Tensor& tensor, const at::Tensor& change, double factor) {
  return tensor.to(at::kFloat)
      .add(change.to(tensor.device(), at::kFloat).view(tensor.sizes()), factor)
      .to(tensor.scalar_type());
}

/// Everything but the matrices, through `change(name, difference, factor)`.
template <class Change>
void for_differences(const LoraFile& file, double scale, const Change& change) {
  for (const auto& [module, part] : file.modules) {
    if (part.up_bias.defined()) change(module + ".bias", part.up_bias, scale * part.scale);
  }
  for (const auto& [name, difference] : file.differences) change(name, difference, scale);
}

}  // namespace

void merge_lora(nn::ParameterStore& weights, const LoraFile& file, double scale) {
  check_fit(weights, file);
  const auto& tensors = weights.tensors();
  for (const auto& [module, part] : file.modules) {
    const auto found = tensors.find(module + ".weight");
    if (found == tensors.end()) continue;
    const at::Tensor& weight = found->second;
    weight.copy_(sum(weight, product(part, weight.sizes()), scale * part.scale));
  }
  for_differences(file, scale,
                  [&](const std::string& name, const at::Tensor& difference, double factor) {
                    const auto found = tensors.find(name);
                    if (found != tensors.end())
                      found->second.copy_(sum(found->second, difference, factor));
                  });
}

void unmerge_lora(nn::ParameterStore& weights, const LoraFile& file, double scale) {
  merge_lora(weights, file, -scale);
}

void attach_lora(nn::ParameterStore& weights, const LoraFile& file, double scale) {
  check_fit(weights, file);
  const auto& tensors = weights.tensors();
  for (const auto& [module, part] : file.modules) {
    const auto found = tensors.find(module + ".weight");
    if (found == tensors.end()) continue;
    const at::Tensor& weight = found->second;
    if (weight.dim() != 2) {
      weights.replace(found->first, sum(weight, product(part, weight.sizes()), scale * part.scale));
      continue;
    }
    weights.add_branch(
        module,
        {.down = part.down.flatten(1), .up = part.up.flatten(1), .scale = scale * part.scale});
  }
  for_differences(file, scale,
                  [&](const std::string& name, const at::Tensor& difference, double factor) {
                    const auto found = tensors.find(name);
                    if (found != tensors.end())
                      weights.replace(name, sum(found->second, difference, factor));
                  });
}

}  // namespace mw::lora
