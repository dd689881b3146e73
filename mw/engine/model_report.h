// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "mw/engine/model_layout.h"

namespace mw::engine {

/// The weights of one part of a model, read from the heads of its files.
struct PartReport {
  std::string name;            ///< transformer, vae, text_encoder, image_encoder, lora or weights.
  std::filesystem::path path;  ///< A folder or a file.
  std::string format;          ///< safetensors, pth or gguf.
  int64_t num_files = 0;
  int64_t num_tensors = 0;
  int64_t num_parameters = 0;             ///< Elements of all tensors.
  int64_t num_bytes = 0;                  ///< Of the tensors, as stored.
  std::map<std::string, int64_t> dtypes;  ///< Elements of each: "BF16", "Q4_K", ...
};

/// What is known about a model without loading it.
struct ModelReport {
  std::optional<ModelLayout> layout;  ///< Absent for a file, and for weights that are no model.
  std::string family = {};            ///< As in the layout; empty where it can't be told.
  std::vector<PartReport> parts;
  std::vector<std::string> missing;  ///< Parts that a model of this kind needs and has not.

  int64_t num_parameters() const;
  int64_t num_bytes() const;
};

/// Looks at a model (by path or name), a file of weights or a folder of them. Opens every file of
/// weights and checks it, but reads no weight. Throws Error, naming the file, when one is not
/// sound.
ModelReport inspect_model(const std::string& path_or_name, const LayoutRequest& request = {});

}  // namespace mw::engine
