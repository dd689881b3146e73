// SPDX-License-Identifier: Apache-2.0
#include "mw/diffusion/tea_cache.h"

#include <utility>

namespace mw::diffusion {
namespace {

using Polynomial = std::array<double, 5>;

constexpr Polynomial kI2V720 = {8.10705460e3, 2.13393892e3, -3.72934672e2, 1.66203073e1,
                                -4.17769401e-2};

// Fitted by the authors of TeaCache for each model; 720p's also serves Wan2.2 and FLF2V.
constexpr std::pair<std::string_view, Polynomial> kPolynomials[] = {
    {"t2v-1.3b", {-5.21862437e4, 9.23041404e3, -5.28275948e2, 1.36987616e1, -4.99875664e-2}},
    {"t2v-14b", {-3.03318725e5, 4.90537029e4, -2.65530556e3, 5.87365115e1, -3.15583525e-1}},
    {"i2v-14b-480p", {2.57151496e5, -3.54229917e4, 1.40286849e3, -1.35890334e1, 1.32517977e-1}},
    {"i2v-14b-720p", kI2V720},
    {"flf2v-14b-720p", kI2V720},
    {"ti2v-5b", kI2V720},
};

double evaluate(const Polynomial& polynomial, double x) {
  double value = 0;
  for (const double coefficient : polynomial) value = value * x + coefficient;
  return value;
}

}  // namespace

std::optional<Polynomial> tea_cache_polynomial(std::string_view family) {
  for (const auto& [name, polynomial] : kPolynomials) {
    if (name == family) return polynomial;
  }
  return std::nullopt;
}

bool TeaCache::needs_blocks(const at::Tensor& time_features) {
  const at::Tensor features = time_features.to(at::kFloat);
  const at::Tensor previous = std::exchange(previous_, features);
  bool needs = step_++ < config_.start_steps || !previous.defined();
  if (!needs) {
    const double difference = features.sub(previous).abs().mean().item<double>();
    const double size = previous.abs().mean().item<double>();
    change_ += evaluate(config_.polynomial, difference / size);
    needs = !(change_ < config_.threshold);
  }
  if (needs) {
    change_ = 0;
  } else {
    ++num_skipped_;
  }
  return needs;
}

}  // namespace mw::diffusion
