// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "mw/nn/parameter_store.h"

namespace mw::train {

/// Named figures of one step or one validation.
using Scalars = std::map<std::string, double>;

/// What a run minimises: a model, its data and its loss. The Trainer does the rest.
///
/// All randomness must come from the generator that is passed in, so that a resumed run continues
/// as if it had never stopped. Used by one thread.
class Objective {
 public:
  virtual ~Objective() = default;

  /// The weights that learn; all of them take gradients unless `is_frozen` says otherwise.
  virtual nn::ParameterStore& parameters() = 0;
  virtual bool is_frozen(const std::string& /*name*/) const { return false; }

  /// Whether Muon, not AdamW, should move this weight: the matrices inside blocks.
  virtual bool is_block_matrix(const std::string& /*name*/) const { return false; }

  /// The scalar loss of a fresh batch, with gradients; may add figures of its own.
  virtual at::Tensor loss(int64_t step, at::Generator& random, Scalars& figures) = 0;

  /// What, beside the weights, a resumed run needs to go on; tensors for the checkpoint.
  virtual nn::TensorMap state() const { return {}; }
  virtual void load_state(const nn::TensorMap& /*state*/) {}

  /// Figures on held-out data, with the averaged weights in place and gradients off.
  virtual Scalars validate() = 0;

  /// Writes pictures or videos that a person can judge into an existing folder.
  virtual void write_samples(const std::filesystem::path& /*folder*/) {}

  /// Writes the model as others load it, with the averaged weights in place.
  virtual void export_model(const std::filesystem::path& folder) = 0;
};

}  // namespace mw::train
