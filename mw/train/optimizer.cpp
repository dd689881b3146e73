// SPDX-License-Identifier: Apache-2.0
#include "mw/train/optimizer.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "mw/core/error.h"
#include "mw/train/muon.h"

namespace mw::train {
namespace {

constexpr double kMuonMomentum = 0.95;
constexpr double kEpsilon = 1e-8;

}  // namespace

Optimizer::Optimizer(const OptimizerConfig& config, const nn::ParameterStore& store,
                     const NamePredicate& is_frozen, const NamePredicate& is_block_matrix)
    : config_(config) {
  for (const auto& [name, tensor] : store.tensors()) {
    if (!tensor.is_floating_point() || is_frozen(name)) continue;
    Slot slot{.name = name, .weight = tensor, .mean = at::zeros_like(tensor), .square = {}};
    slot.uses_muon = config.muon_learning_rate > 0 && tensor.dim() == 2 && is_block_matrix(name);
    if (!slot.uses_muon) slot.square = at::zeros_like(tensor);
    slot.weight.requires_grad_(true);
    slots_.push_back(std::move(slot));
  }
}

double Optimizer::step(double rate_factor) {
  const at::NoGradGuard no_grad;
  double square_sum = 0;
  for (const Slot& slot : slots_) {
    const at::Tensor& gradient = slot.weight.grad();
    if (gradient.defined()) square_sum += gradient.pow(2).sum().item<double>();
  }
  const double norm = std::sqrt(square_sum);
  const bool is_usable = std::isfinite(norm);
  if (is_usable) ++num_updates_;
  const double scale =
      config_.gradient_clip > 0 && norm > config_.gradient_clip ? config_.gradient_clip / norm : 1;
  for (Slot& slot : slots_) {
    at::Tensor& gradient = slot.weight.mutable_grad();
    if (!gradient.defined()) continue;
    if (is_usable) {
      const at::Tensor clipped = gradient.mul(scale);
      if (slot.uses_muon) {
        update_muon(slot, clipped, rate_factor * config_.muon_learning_rate);
      } else {
        update_adamw(slot, clipped, rate_factor * config_.learning_rate);
      }
    }
    gradient.reset();
  }
  return norm;
}

void Optimizer::update_adamw(Slot& slot, const at::Tensor& gradient, double rate) {
  slot.mean.mul_(config_.beta1).add_(gradient, 1 - config_.beta1);
  slot.square.mul_(config_.beta2).addcmul_(gradient, gradient, 1 - config_.beta2);
  const double correction1 = 1 - std::pow(config_.beta1, static_cast<double>(num_updates_));
  const double correction2 = 1 - std::pow(config_.beta2, static_cast<double>(num_updates_));
  if (slot.weight.dim() >= 2) slot.weight.mul_(1 - rate * config_.weight_decay);
  const at::Tensor denominator = slot.square.sqrt().div_(std::sqrt(correction2)).add_(kEpsilon);
  slot.weight.addcdiv_(slot.mean, denominator, -rate / correction1);
}

void Optimizer::update_muon(Slot& slot, const at::Tensor& gradient, double rate) {
  slot.mean.mul_(kMuonMomentum).add_(gradient, 1 - kMuonMomentum);
  // Nesterov's look-ahead, then a step of equal size in every direction.
  const at::Tensor direction =
      orthogonalised(gradient.mul(1 - kMuonMomentum).add(slot.mean, kMuonMomentum));
  const double rows = static_cast<double>(direction.size(0));
  const double columns = static_cast<double>(direction.size(1));
  slot.weight.mul_(1 - rate * config_.weight_decay);
  slot.weight.add_(direction, -rate * std::sqrt(std::max(1.0, rows / columns)));
}

nn::TensorMap Optimizer::state() const {
  nn::TensorMap state;
  for (const Slot& slot : slots_) {
    state[slot.name + ".mean"] = slot.mean;
    if (slot.square.defined()) state[slot.name + ".square"] = slot.square;
  }
  state["num_updates"] = at::full({1}, num_updates_, at::TensorOptions(at::kLong));
  return state;
}

void Optimizer::load_state(const nn::TensorMap& state) {
  const auto copy_into = [&](const std::string& name, at::Tensor& target) {
    const auto found = state.find(name);
    if (found == state.end() || found->second.sizes() != target.sizes()) {
      throw Error(ErrorCode::kWeights, "checkpoint: no optimiser state '" + name +
                                           "' of the right shape; it belongs to another run");
    }
    target.copy_(found->second);
  };
  for (Slot& slot : slots_) {
    copy_into(slot.name + ".mean", slot.mean);
    if (slot.square.defined()) copy_into(slot.name + ".square", slot.square);
  }
  at::Tensor count = at::full({1}, 0, at::TensorOptions(at::kLong));
  copy_into("num_updates", count);
  num_updates_ = count.item<int64_t>();
}

}  // namespace mw::train
