// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mw/nn/parameter_store.h"

namespace mw::train {

/// Step sizes and momenta. `learning_rate` drives AdamW, `muon_learning_rate` Muon.
struct OptimizerConfig {
  double learning_rate = 1e-3;
  double muon_learning_rate = 0.02;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double weight_decay = 0.01;
  double gradient_clip = 1.0;

  template <class Visitor>
  void visit(Visitor& field) {
    field("learning_rate", learning_rate, "Peak rate of AdamW.");
    field("muon_learning_rate", muon_learning_rate,
          "Peak rate of Muon, for block matrices; 0 = AdamW for all.");
    field("beta1", beta1, "AdamW's decay of the mean gradient.");
    field("beta2", beta2, "AdamW's decay of the mean squared gradient.");
    field("weight_decay", weight_decay,
          "Decoupled decay of matrices and kernels; vectors have none.");
    field("gradient_clip", gradient_clip, "Largest global gradient norm; 0 = no clipping.");
  }
};

/// AdamW (arXiv:1711.05101) for most weights and Muon for the matrices inside blocks.
///
/// Owns the moments; the weights stay in the store. Used by one thread.
class Optimizer {
 public:
  using NamePredicate = std::function<bool(const std::string&)>;

  /// Makes every weight of `store` that is not frozen a leaf with gradients.
  Optimizer(const OptimizerConfig& config, const nn::ParameterStore& store,
            const NamePredicate& is_frozen, const NamePredicate& is_block_matrix);

  /// Clips the gathered gradients, moves the weights by `rate_factor` times the peak rates, and
  /// clears the gradients. Returns the gradient norm before clipping. A norm that is not finite
  /// leaves the weights and moments as they were.
  double step(double rate_factor);

  /// Moments and the update count, for checkpoints; tensors are shared, not copied.
  nn::TensorMap state() const;
  /// Throws Error kWeights when `state` is not this optimiser's.
  void load_state(const nn::TensorMap& state);

 private:
  struct Slot {
    std::string name;
    at::Tensor weight;
    at::Tensor mean;    // AdamW: mean gradient. Muon: momentum.
    at::Tensor square;  // AdamW only.
    bool uses_muon = false;
  };

  void update_adamw(Slot& slot, const at::Tensor& gradient, double rate);
  void update_muon(Slot& slot, const at::Tensor& gradient, double rate);

  OptimizerConfig config_;
  std::vector<Slot> slots_;
  int64_t num_updates_ = 0;
};

}  // namespace mw::train
