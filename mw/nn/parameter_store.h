// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
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

/// A low-rank change of a linear layer beside its weight: LoRA (arXiv:2106.09685).
struct LowRankBranch {
  at::Tensor down;  ///< [rank, in]
  at::Tensor up;    ///< [out, rank]
  double scale = 1;
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

  /// Starts empty and creates tensors of the right shapes without memory or values: what a model of
  /// any size consists of, known before it is loaded.
  static ParameterStore without_values();

  /// Reads a file of weights or a model folder; see `read_tensors`. `dtype`: what floating tensors
  /// are converted to; as stored when absent. Integer tensors stay.
  static ParameterStore loaded(const std::filesystem::path& file_or_folder,
                               std::optional<at::ScalarType> dtype = std::nullopt);

  /// From now on tensors that are missing are created instead of being errors: how an action module
  /// is added to a loaded base.
  void allow_creation(uint64_t seed);

  /// The tensor `name` of exactly `shape`. Throws Error kWeights, naming it, when it is missing,
  /// has another shape or holds whole numbers (8-bit ones with a `<name>_scale` beside them are
  /// weights).
  at::Tensor request(const std::string& name, at::IntArrayRef shape, Init init);

  /// From now on a linear layer built as `module` ("blocks.0.ffn.2") has this branch too.
  void add_branch(const std::string& module, LowRankBranch branch) {
    branches_[module].push_back(std::move(branch));
  }
  /// Of a layer of these sizes. Throws Error kWeights, naming it, when one has others.
  std::vector<LowRankBranch> branches(const std::string& module, int64_t out, int64_t in) const;

  /// Puts `tensor` in the place of `name`; layers built before keep the old one.
  void replace(const std::string& name, const at::Tensor& tensor) { tensors_.at(name) = tensor; }

  bool has(const std::string& name) const { return tensors_.count(name) != 0; }
  const TensorMap& tensors() const { return tensors_; }

  /// From now on `request` keeps what it would refuse for `check_all_used`, and serves zeros.
  void collect_problems() { problems_.emplace(); }

  /// Throws one Error kWeights that lists the collected problems and the tensors which no layer
  /// asked for; `source` names the file.
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
  /// Why `tensor` can't be what was asked for, or nothing.
  std::string misfit(const std::string& name, const at::Tensor& tensor,
                     at::IntArrayRef shape) const;

  TensorMap tensors_;
  std::set<std::string> used_;
  std::map<std::string, std::vector<LowRankBranch>> branches_;
  /// What layers asked for in vain, one line for each tensor.
  struct Problems {
    std::vector<std::string> missing, unfit;
  };
  std::optional<Problems> problems_;        // Present when they are collected.
  std::optional<at::Generator> generator_;  // Present when missing tensors may be created.
  bool is_without_values_ = false;
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
  /// The low-rank branches of a linear layer that stands at this prefix.
  std::vector<LowRankBranch> branches(int64_t out, int64_t in) const {
    return store_->branches(prefix_.substr(0, prefix_.size() - (prefix_.empty() ? 0 : 1)), out, in);
  }
  /// Whether an optional tensor is in the checkpoint.
  bool has(const std::string& name) const { return store_->has(prefix_ + name); }

 private:
  ParameterStore* store_;
  std::string prefix_;
};

/// A model of these weights and no others: missing, unused, misshapen and mistyped tensors are one
/// Error kWeights that lists them together. `source` names the file.
template <class Model, class Config>
Model build_strictly(const Config& config, ParameterStore& store, const std::string& source) {
  store.collect_problems();
  Model model(config, WeightScope(store));
  store.check_all_used(source);
  return model;
}

}  // namespace mw::nn
