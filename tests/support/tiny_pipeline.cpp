// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_pipeline.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "mw/io/atomic_file.h"
#include "mw/nn/tensor_file.h"

namespace mw::test {
namespace {

namespace fs = std::filesystem;

/// Murmur3's finaliser, as in tools/parity/tiny_models.py.
uint32_t mixed(uint32_t x) {
  x = (x ^ (x >> 16)) * 0x85EBCA6BU;
  x = (x ^ (x >> 13)) * 0xC2B2AE35U;
  return x ^ (x >> 16);
}

nn::TensorMap draw(const nlohmann::json& recipe, uint32_t seed) {
  nn::TensorMap tensors;
  uint32_t index = 0;
  for (const nlohmann::json& row : recipe) {
    const at::Tensor tensor = at::empty(row[1].get<std::vector<int64_t>>());
    auto* values = tensor.mutable_data_ptr<float>();
    const uint32_t start = seed * 0x85EBCA77U + index++ * 0xC2B2AE3DU;
    for (uint32_t i = 0; i < static_cast<uint32_t>(tensor.numel()); ++i) {
      const double unit = mixed(i * 0x9E3779B1U + start) / 2147483648.0 - 1;
      values[i] =
          static_cast<float>(unit * std::sqrt(3.0) * row[2].get<double>() + row[3].get<double>());
    }
    tensors.emplace(row[0].get<std::string>(), tensor);
  }
  return tensors;
}

}  // namespace

fs::path write_tiny_pipeline(const std::string& task, const fs::path& folder) {
  const std::string goldens = std::string(MW_SOURCE_DIR) + "/tests/goldens/";
  const nn::Metadata metadata = nn::read_metadata(goldens + "pipelines/" + task + ".safetensors");
  const bool is_micro_world = task.ends_with("w");
  const fs::path base = folder / "base", world = folder / "world";
  const nlohmann::json parts = nlohmann::json::parse(metadata.at("parts"));
  for (const auto& [name, part] : parts.items()) {
    const fs::path home = (is_micro_world && name == "transformer" ? world : base) / name;
    fs::create_directories(home);
    io::write_file(home / "config.json", part["config"].dump(2));
    nn::write_tensors(home / part["file"].get<std::string>(),
                      draw(part["tensors"], part["seed"].get<uint32_t>()));
  }
  fs::create_directories(base / "scheduler");
  fs::create_directories(base / "tokenizer");
  io::write_file(base / "scheduler" / "scheduler_config.json", metadata.at("scheduler"));
  fs::copy_file(goldens + "text/spiece.model", base / "tokenizer" / "spiece.model");
  io::write_file(base / "model_index.json", "{\"_class_name\": \"WanPipeline\"}\n");
  return is_micro_world ? world : base;
}

}  // namespace mw::test
