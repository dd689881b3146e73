// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mw/nn/tensor_file.h"

namespace mw::nn {

/// How a tensor gets its first values when a model is created rather than loaded.
struct Init {
  enum class Kind { kConstant, kNormal, kUniform };
  Kind kind = Kind::kConstant;
  double value = 0;  ///< The constant, the standard deviation, or the bound of [-b, b].

  static Init zeros() { return {Kind::kConstant, 0}; }
  static Init ones() { return {Kind::kConstant, 1}; }
  static Init normal(double deviation) { return {Kind::kNormal, deviation}; }
  static Init uniform(double bound) { return {Kind::kUniform, bound}; }
  /// torch's default for Linear and Conv weights and biases: uniform within 1/sqrt(fan_in).
  static Init fan_in(int64_t fan_in);
};

/// Owns all weights of a model by their checkpoint names. Layers ask for theirs at construction
/// and keep handles; optimiser, EMA and saving walk the store.
///
/// Owned by one thread while layers are being built; afterwards `tensors()` may be read by many.
class ParameterStore {
 public:
  /// Serves exactly these tensors; asking for another one throws Error kWeights.
  explicit ParameterStore(TensorMap tensors) : tensors_(std::move(tensors)) {}

  /// Starts empty and creates what layers ask for, float32, from this seed. Equal seeds and equal
  /// order of requests give equal values.
  static ParameterStore created(uint64_t seed);

  /// Reads a safetensors file or model folder. `dtype`: what floating tensors are converted to;
  /// as stored when absent. Integer tensors stay.
  static ParameterStore loaded(const std::filesystem::path& file_or_folder,
                               std::optional<at::ScalarType> dtype = std::nullopt);

  /// From now on tensors that are missing are created instead of being errors: how an action module
  /// is added to a loaded base.
  void allow_creation(uint64_t seed);

  /// The tensor `name` of exactly `shape`. Throws Error kWeights, naming it, when it is missing or
  /// has another shape.
  at::Tensor request(const std::string& name, at::IntArrayRef shape, Init init);

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  const TensorMap& tensors() const { return tensors_; }

  /// Throws Error kWeights that lists the tensors which no layer asked for; `source` names the
  /// file.
  void check_all_used(const std::string& source) const;

  /// Applies `rename` to every name: how another naming of the same model is read.
  template <class Rename>
  void rename(const Rename& rename) {
    TensorMap renamed;
    for (auto& [name, tensor] : tensors_) renamed.emplace(rename(name), tensor);
    tensors_ = std::move(renamed);
  }

  int64_t num_parameters() const;
  void save(const std::filesystem::path& file, const Metadata& metadata = {}) const {
    write_tensors(file, tensors_, metadata);
  }

 private:
  TensorMap tensors_;
  std::set<std::string> used_;
  std::optional<at::Generator> generator_;  // Present when missing tensors may be created.
};

/// A dotted prefix into a store: `WeightScope(store) / "blocks" / 3 / "ffn"`.
///
/// Holds a reference: the store must outlive the construction of layers, not the layers.
class WeightScope {
 public:
  explicit WeightScope(ParameterStore& store) : store_(&store) {}

  WeightScope operator/(const std::string& child) const {
    WeightScope inner(*this);
    inner.prefix_ += child + ".";
    return inner;
  }
  WeightScope operator/(int64_t index) const { return *this / std::to_string(index); }

  at::Tensor tensor(const std::string& name, at::IntArrayRef shape, Init init) const {
    return store_->request(prefix_ + name, shape, init);
  }
  /// Whether an optional tensor is in the checkpoint.
  bool has(const std::string& name) const { return store_->has(prefix_ + name); }

 private:
  ParameterStore* store_;
  std::string prefix_;
};

}  // namespace mw::nn
