// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/action_module.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "mw/core/error.h"
#include "mw/ops/timestep_embedding.h"

namespace mw::wan {
namespace {

constexpr int64_t kKeyWidth = 64;  // Width of one embedded keyboard row.

at::Tensor mlp(const nn::Linear& in, const nn::Linear& out, const at::Tensor& x) {
  return out.forward(at::gelu(in.forward(x)));  // The exact GELU, not the tanh form.
}

}  // namespace

std::vector<int64_t> action_group(int64_t latent_frame, int64_t window_size,
                                  int64_t temporal_ratio) {
  const int64_t size = window_size * temporal_ratio;
  if (latent_frame == 0) return std::vector<int64_t>(static_cast<size_t>(size), 0);
  const int64_t last = temporal_ratio * latent_frame;
  const int64_t first = std::max<int64_t>(1, last - size + 1);
  std::vector<int64_t> rows;
  for (int64_t i = last - size + 1; i <= last; ++i) rows.push_back(std::max(i, first));
  return rows;
}

ActionModule::ActionModule(const WanConfig& config, const nn::WeightScope& weights)
    : config_(config),
      mouse_in_(weights / "mouse_mlp" / 0,
                config.action_window_size * config.action_temporal_ratio * config.mouse_dim,
                config.action_dim / 2),
      mouse_out_(weights / "mouse_mlp" / 2, config.action_dim / 2, config.action_dim / 2),
      embedding_in_(weights / "keyboard_embedding" / 0, config.keyboard_dim, kKeyWidth),
      embedding_out_(weights / "keyboard_embedding" / 2, kKeyWidth, kKeyWidth),
      keyboard_in_(weights / "keyboard_mlp" / 0,
                   config.action_window_size * config.action_temporal_ratio * kKeyWidth,
                   config.action_dim / 2),
      keyboard_out_(weights / "keyboard_mlp" / 2, config.action_dim / 2, config.action_dim / 2),
      action_in_(weights / "action_mlp" / 0, config.action_dim, config.action_dim / 2),
      action_out_(weights / "action_mlp" / 2, config.action_dim / 2, config.action_dim) {}

at::Tensor ActionModule::forward(const at::Tensor& keyboard, const at::Tensor& mouse,
                                 int64_t num_latent_frames) const {
  const int64_t num_rows = keyboard.size(1);
  MW_CHECK(keyboard.dim() == 3 && keyboard.size(2) == config_.keyboard_dim && mouse.dim() == 3 &&
               mouse.size(1) == num_rows && mouse.size(2) == config_.mouse_dim &&
               num_rows > config_.action_temporal_ratio * (num_latent_frames - 1),
           "actions: wanted keyboard [B, N, ", config_.keyboard_dim, "] and mouse [B, N, ",
           config_.mouse_dim, "] for ", num_latent_frames, " latent frames, got ", keyboard.sizes(),
           " and ", mouse.sizes());
  std::vector<int64_t> rows;  // [latent frames x group]
  for (int64_t i = 0; i < num_latent_frames; ++i) {
    const auto group = action_group(i, config_.action_window_size, config_.action_temporal_ratio);
    rows.insert(rows.end(), group.begin(), group.end());
  }
  const at::Tensor index = at::tensor(rows, at::TensorOptions(at::kLong)).to(keyboard.device());
  const auto grouped = [&](const at::Tensor& x) {  // [B, N, C] -> [B, F, G, C]
    return x.index_select(1, index).unflatten(1, {num_latent_frames, -1});
  };
  const at::ScalarType dtype = mouse_in_.weight().scalar_type();
  at::Tensor keys = mlp(embedding_in_, embedding_out_, keyboard.to(dtype));  // [B, N, 64]
  // Cosines first, frequencies 10000^(-k/32): the sinusoid of a timestep of width 64.
  if (!config_.action_relative_positions) {
    const at::Tensor positions = at::arange(num_rows, at::TensorOptions(at::kDouble));
    keys = keys.add(ops::timestep_embedding(positions, kKeyWidth).to(keys));
  }
  keys = grouped(keys);
  if (config_.action_relative_positions) {
    const at::Tensor slots = at::arange(keys.size(2), at::TensorOptions(at::kDouble));
    keys = keys.add(ops::timestep_embedding(slots, kKeyWidth).to(keys));
  }
  const at::Tensor mouse_feature = mlp(mouse_in_, mouse_out_, grouped(mouse.to(dtype)).flatten(2));
  const at::Tensor key_feature = mlp(keyboard_in_, keyboard_out_, keys.flatten(2));
  return mlp(action_in_, action_out_, at::cat({mouse_feature, key_feature}, -1));
}

}  // namespace mw::wan
