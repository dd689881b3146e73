// SPDX-License-Identifier: Apache-2.0
#include "mw/ops/modulate.h"

#include "mw/ops/norm.h"

namespace mw::ops {
namespace {

at::Tensor by_frame(const at::Tensor& x, int64_t frame_tokens) {  // -> [B, F, S, C] float32
  return x.to(at::kFloat).unflatten(1, {-1, frame_tokens});
}

}  // namespace

at::Tensor modulated_norm(const at::Tensor& x, const at::Tensor& shift, const at::Tensor& scale,
                          int64_t frame_tokens, double eps, at::ScalarType dtype) {
  const at::Tensor normalised = by_frame(layer_norm(x.to(at::kFloat), {}, {}, eps), frame_tokens);
  return normalised.mul(scale.add(1).unsqueeze(2)).add(shift.unsqueeze(2)).flatten(1, 2).to(dtype);
}

at::Tensor gated_add(const at::Tensor& x, const at::Tensor& y, const at::Tensor& gate,
                     int64_t frame_tokens) {
  return by_frame(x, frame_tokens)
      .add(by_frame(y, frame_tokens).mul(gate.unsqueeze(2)))
      .flatten(1, 2)
      .to(x.scalar_type());
}

}  // namespace mw::ops
