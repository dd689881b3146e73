// SPDX-License-Identifier: Apache-2.0
#include "mw/train/muon.h"

#include <algorithm>

namespace mw::train {
namespace {

// From this many rows and columns on the iteration runs in bfloat16, as in the original: the
// quintic is meant to be rough, and the products then cost a third.
constexpr int64_t kBf16From = 128;

}  // namespace

at::Tensor orthogonalised(const at::Tensor& matrix) {
  const bool is_tall = matrix.size(0) > matrix.size(1);
  at::Tensor x = is_tall ? matrix.t() : matrix;  // Iterate on the smaller Gram matrix.
  x = x.div(x.norm().add(1e-7));
  if (std::min(x.size(0), x.size(1)) >= kBf16From) x = x.to(at::kBFloat16);
  for (int i = 0; i < 5; ++i) {
    const at::Tensor gram = x.matmul(x.t());
    // The quintic's coefficients maximise the slope at zero.
    const at::Tensor mix = gram.mul(-4.7750).add(gram.matmul(gram), 2.0315);
    x = x.mul(3.4445).add(mix.matmul(x));
  }
  x = x.to(matrix.scalar_type());
  return is_tall ? x.t() : x;
}

}  // namespace mw::train
