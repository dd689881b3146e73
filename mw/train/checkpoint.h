// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <filesystem>

#include "mw/nn/tensor_file.h"

namespace mw::train {

/// Everything a run needs to go on as if it had not stopped.
struct Checkpoint {
  nn::TensorMap weights;
  nn::TensorMap averaged;  ///< The exponential moving average of the weights.
  nn::TensorMap optimizer;
  nn::TensorMap objective;  ///< The objective's own state.
  at::Tensor random;        ///< State of the run's generator, uint8.
  int64_t step = 0;         ///< Updates done.
  double seconds = 0;       ///< Time spent in them, over all sittings.

  /// One safetensors file; it is replaced whole or not at all.
  void write(const std::filesystem::path& file) const;
  /// Throws Error kIo or kFormat.
  static Checkpoint read(const std::filesystem::path& file);
};

}  // namespace mw::train
