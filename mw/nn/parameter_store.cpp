// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/parameter_store.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>

#include <cmath>

#include "mw/core/error.h"

namespace mw::nn {

Init Init::fan_in(int64_t fan_in) { return uniform(1.0 / std::sqrt(static_cast<double>(fan_in))); }

ParameterStore ParameterStore::created(uint64_t seed) {
  ParameterStore store{TensorMap()};
  store.allow_creation(seed);
  return store;
}

ParameterStore ParameterStore::without_values() {
  ParameterStore store{TensorMap()};
  store.is_without_values_ = true;
  return store;
}

ParameterStore ParameterStore::loaded(const std::filesystem::path& file_or_folder,
                                      std::optional<at::ScalarType> dtype) {
  TensorMap tensors = read_tensors(file_or_folder);
  for (auto& [name, tensor] : tensors) {
    if (dtype && tensor.is_floating_point()) tensor = tensor.to(*dtype);
  }
  return ParameterStore(std::move(tensors));
}

void ParameterStore::allow_creation(uint64_t seed) {
  generator_ = at::detail::createCPUGenerator(seed);
}

at::Tensor ParameterStore::request(const std::string& name, at::IntArrayRef shape, Init init) {
  used_.insert(name);
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) {
    if (found->second.sizes() != shape) {
      throw Error(ErrorCode::kWeights, concat_message("weight '", name, "' must be ", shape,
                                                      ", the file has ", found->second.sizes()));
    }
    return found->second;
  }
  if (is_without_values_) {
    const auto options = at::TensorOptions(at::kFloat).device(at::kMeta);
    return tensors_.emplace(name, at::empty(shape, options)).first->second;
  }
  if (!generator_) throw Error(ErrorCode::kWeights, "weight '" + name + "' is missing");

  at::Tensor created = at::empty(shape, at::TensorOptions(at::kFloat));
  switch (init.kind) {
    case Init::Kind::kConstant:
      created.fill_(init.value);
      break;
    case Init::Kind::kNormal:
      created.normal_(0, init.value, generator_);
      break;
    case Init::Kind::kUniform:
      created.uniform_(-init.value, init.value, generator_);
      break;
  }
  return tensors_.emplace(name, created).first->second;
}

std::vector<LowRankBranch> ParameterStore::branches(const std::string& module, int64_t out,
                                                    int64_t in) const {
  const auto found = branches_.find(module);
  if (found == branches_.end()) return {};
  for (const LowRankBranch& branch : found->second) {
    const bool fits = branch.down.dim() == 2 && branch.up.dim() == 2 && branch.down.size(1) == in &&
                      branch.up.size(0) == out && branch.down.size(0) == branch.up.size(1);
    if (!fits) {
      throw Error(
          ErrorCode::kWeights,
          concat_message("LoRA: a branch of '", module, "' must be [r, ", in, "] and [", out,
                         ", r], got ", branch.down.sizes(), " and ", branch.up.sizes()));
    }
  }
  return found->second;
}

void ParameterStore::check_all_used(const std::string& source) const {
  std::string unused;
  int count = 0;
  for (const auto& [name, tensor] : tensors_) {
    if (used_.count(name) != 0) continue;
    if (++count <= 8) unused += (unused.empty() ? "" : ", ") + name;
  }
  if (count == 0) return;
  throw Error(ErrorCode::kWeights, concat_message("weights: '", source, "' has ", count,
                                                  " tensors that the model has no place for: ",
                                                  unused, count > 8 ? ", ..." : ""));
}

int64_t ParameterStore::num_parameters() const {
  int64_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.numel();
  return total;
}

}  // namespace mw::nn
