// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/model_report.h"

#include <system_error>
#include <utility>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_families.h"
#include "mw/io/safetensors_files.h"
#include "mw/io/weights_file.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

PartReport read_part(const std::string& name, const fs::path& path) {
  PartReport part;
  part.name = name;
  part.path = path;
  std::map<std::string, fs::path> seen;  // Tensor to file.
  for (const io::SafetensorsShard& shard : io::safetensors_shards(path)) {
    const io::WeightsFile file(shard.file);
    part.format = name_of(file.format());
    ++part.num_files;
    for (const std::string& tensor : shard.tensors) {
      if (file.tensors().count(tensor) == 0) {
        throw Error(ErrorCode::kFormat, "weights: the index places tensor " + quote_text(tensor) +
                                            " in '" + shard.file.string() + "', which lacks it");
      }
    }
    for (const auto& [tensor, stored] : file.tensors()) {
      if (!seen.emplace(tensor, shard.file).second) {
        throw Error(ErrorCode::kFormat, "weights: tensor " + quote_text(tensor) +
                                            " stands in two shards, one is '" +
                                            shard.file.string() + "'");
      }
      const auto elements = static_cast<int64_t>(stored.num_elements());
      ++part.num_tensors;
      part.num_parameters += elements;
      part.num_bytes += static_cast<int64_t>(stored.data.size());
      part.dtypes[stored.type_name()] += elements;
    }
  }
  return part;
}

/// Parts that a task can't be done without. The LoRA may be absent, as may the text encoder of an
/// embedded world.
std::vector<std::string> needed_parts(const ModelLayout& layout) {
  if (layout.kind == LayoutKind::kEmbedded) return {"transformer", "vae"};
  std::vector<std::string> names = {"transformer", "vae", "text_encoder", "tokenizer"};
  if (layout.task == "i2v" || layout.task == "flf2v" || layout.task == "i2w") {
    names.emplace_back("image_encoder");
  }
  return names;
}

/// What a folder of weights, or one file, is by itself.
ModelReport report_of_weights(const fs::path& path) {
  ModelReport report;
  report.parts.push_back(read_part("weights", path));
  std::map<std::string, io::StoredTensor> tensors;
  for (const fs::path& name : io::safetensors_files(path)) {
    const io::WeightsFile file(name);
    for (const auto& [tensor, stored] : file.tensors()) {
      tensors.emplace(tensor, io::StoredTensor{stored.type, stored.shape, {}});
    }
  }
  if (const auto facts = transformer_facts_of(tensors)) {
    report.family = match_family(*facts, path.filename().string()).family;
    report.parts[0].name = "transformer";
  }
  return report;
}

}  // namespace

int64_t ModelReport::num_parameters() const {
  int64_t total = 0;
  for (const PartReport& part : parts) total += part.num_parameters;
  return total;
}

int64_t ModelReport::num_bytes() const {
  int64_t total = 0;
  for (const PartReport& part : parts) total += part.num_bytes;
  return total;
}

ModelReport inspect_model(const std::string& path_or_name, const LayoutRequest& request) {
  const fs::path path = user_path(path_or_name);
  std::error_code ignored;
  if (fs::is_regular_file(path, ignored) ||
      (fs::is_directory(path, ignored) && !layout_kind(path))) {
    return report_of_weights(path);
  }
  ModelReport report;
  report.layout = find_layout(path_or_name, request);
  const ModelLayout& layout = *report.layout;
  report.family = layout.family;
  const std::pair<const char*, const fs::path*> parts[] = {{"transformer", &layout.transformer},
                                                           {"vae", &layout.vae},
                                                           {"text_encoder", &layout.text_encoder},
                                                           {"image_encoder", &layout.image_encoder},
                                                           {"lora", &layout.lora}};
  for (const auto& [name, part] : parts) {
    if (!part->empty()) report.parts.push_back(read_part(name, *part));
  }
  for (const std::string& name : needed_parts(layout)) {
    const bool is_there = name == "tokenizer"       ? !layout.tokenizer.empty()
                          : name == "vae"           ? !layout.vae.empty()
                          : name == "text_encoder"  ? !layout.text_encoder.empty()
                          : name == "image_encoder" ? !layout.image_encoder.empty()
                                                    : !layout.transformer.empty();
    if (!is_there) report.missing.push_back(name);
  }
  return report;
}

}  // namespace mw::engine
