// SPDX-License-Identifier: Apache-2.0
#include "mw/train/checkpoint.h"

#include <cstdlib>
#include <string_view>

#include "mw/core/error.h"

namespace mw::train {
namespace {

constexpr std::string_view kWeights = "weights/", kAveraged = "averaged/",
                           kOptimizer = "optimizer/", kObjective = "objective/";

}  // namespace

void Checkpoint::write(const std::filesystem::path& file) const {
  nn::TensorMap all = {{"random", random}};
  const auto add = [&](std::string_view prefix, const nn::TensorMap& tensors) {
    for (const auto& [name, tensor] : tensors) all[std::string(prefix) + name] = tensor;
  };
  add(kWeights, weights);
  add(kAveraged, averaged);
  add(kOptimizer, optimizer);
  add(kObjective, objective);
  nn::write_tensors(file, all,
                    {{"format", "microworld-run"},
                     {"step", std::to_string(step)},
                     {"seconds", std::to_string(seconds)}});
}

Checkpoint Checkpoint::read(const std::filesystem::path& file) {
  const nn::Metadata metadata = nn::read_metadata(file);
  if (metadata.count("format") == 0 || metadata.at("format") != "microworld-run" ||
      metadata.count("step") == 0 || metadata.count("seconds") == 0) {
    throw Error(ErrorCode::kFormat, "train: '" + file.string() + "' is not a run's checkpoint");
  }
  Checkpoint checkpoint;
  checkpoint.step = std::strtoll(metadata.at("step").c_str(), nullptr, 10);
  checkpoint.seconds = std::strtod(metadata.at("seconds").c_str(), nullptr);
  for (const auto& [name, tensor] : nn::read_tensors(file)) {
    const auto take = [&, &key = name, &value = tensor](std::string_view prefix,
                                                        nn::TensorMap& into) {
      if (std::string_view(key).starts_with(prefix)) into[key.substr(prefix.size())] = value;
    };
    take(kWeights, checkpoint.weights);
    take(kAveraged, checkpoint.averaged);
    take(kOptimizer, checkpoint.optimizer);
    take(kObjective, checkpoint.objective);
    if (name == "random") checkpoint.random = tensor.clone();
  }
  if (!checkpoint.random.defined()) {
    throw Error(ErrorCode::kFormat, "train: '" + file.string() + "' lacks its random state");
  }
  return checkpoint;
}

}  // namespace mw::train
