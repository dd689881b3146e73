// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/parameter_store.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "mw/core/error.h"

namespace mw::nn {
namespace {

/// Stands in for a tensor that is not there; takes up no memory, whatever its shape.
at::Tensor zeros_of(at::IntArrayRef shape) {
  return at::zeros({1}, at::TensorOptions(at::kFloat)).expand(shape);
}

/// ", missing 9: a, b, ...", cut after eight.
std::string listed(const char* what, const std::vector<std::string>& lines) {
  constexpr size_t kMaxShown = 8;
  if (lines.empty()) return "";
  std::string text = concat_message("; ", what, " ", lines.size(), ": ");
  for (size_t i = 0; i < lines.size() && i < kMaxShown; ++i) text += (i > 0 ? ", " : "") + lines[i];
  return text + (lines.size() > kMaxShown ? ", ..." : "");
}

}  // namespace

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
  TensorMap tensors = read_tensors(file_or_folder, dtype.value_or(at::kFloat));
  for (auto& [name, tensor] : tensors) {
    if (dtype && tensor.is_floating_point()) tensor = tensor.to(*dtype);
  }
  return ParameterStore(std::move(tensors));
}

void ParameterStore::allow_creation(uint64_t seed) {
  generator_ = at::detail::createCPUGenerator(seed);
}

std::string ParameterStore::misfit(const std::string& name, const at::Tensor& tensor,
                                   at::IntArrayRef shape) const {
  if (tensor.sizes() != shape) {
    return concat_message("'", name, "' must be ", shape, ", the file has ", tensor.sizes());
  }
  const bool is_quantized = tensor.scalar_type() == at::kChar && has(name + "_scale");
  if (!tensor.is_floating_point() && !is_quantized) {
    return concat_message("'", name, "' must be of a floating dtype, the file has ",
                          at::toString(tensor.scalar_type()));
  }
  return "";
}

at::Tensor ParameterStore::request(const std::string& name, at::IntArrayRef shape, Init init) {
  used_.insert(name);
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) {
    const at::Tensor& tensor = found->second;
    const std::string why = misfit(name, tensor, shape);
    if (why.empty()) return tensor;
    if (!problems_) throw Error(ErrorCode::kWeights, "weight " + why);
    problems_->unfit.push_back(why);
    return zeros_of(shape);
  }
  if (is_without_values_) {
    const auto options = at::TensorOptions(at::kFloat).device(at::kMeta);
    return tensors_.emplace(name, at::empty(shape, options)).first->second;
  }
  if (!generator_) {
    if (!problems_) throw Error(ErrorCode::kWeights, "weight '" + name + "' is missing");
    problems_->missing.push_back(name);
    return zeros_of(shape);
  }

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
  std::vector<std::string> unused;
  for (const auto& [name, tensor] : tensors_) {
    if (used_.count(name) == 0) unused.push_back(name);
  }
  const Problems problems = problems_.value_or(Problems());
  const std::string lists = listed("missing", problems.missing) + listed("wrong", problems.unfit) +
                            listed("without a place", unused);
  if (lists.empty()) return;
  throw Error(ErrorCode::kWeights,
              "weights: '" + source + "' does not fit the model: " + lists.substr(2));
}

int64_t ParameterStore::num_parameters() const {
  int64_t total = 0;
  for (const auto& [name, tensor] : tensors_) total += tensor.numel();
  return total;
}

}  // namespace mw::nn
