// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "mw/diffusion/solver.h"
#include "mw/models/wan/config.h"

namespace mw::engine {

/// How the files of a model lie in its folder.
enum class LayoutKind {
  kEmbedded,    ///< This program's own worlds: `model_index.json` with a `camera_prior/`.
  kDiffusers,   ///< `model_index.json`, `transformer/`, `vae/`, `text_encoder/`, ...
  kOriginal,    ///< A Wan release: weights and `config.json` at the top, `.pth` files beside them.
  kMicroWorld,  ///< `transformer/` with action layers; the other networks come from a base model.
};

/// "embedded", "diffusers", "original" or "micro-world".
const char* name_of(LayoutKind kind);

/// What a model makes when nothing else is asked for: the values of the reference's own programs.
struct ModelDefaults {
  int64_t steps = 50;
  double guidance = 5;
  double shift = 5;
  std::string sampler = "unipc";  ///< As `diffusion::parse_sampler` reads it: unipc, dpm++, euler.
  diffusion::GridOwner grid = diffusion::GridOwner::kReference;  ///< Whose sigmas that means.
  double fps = 16;
  int64_t frames = 81;
  int64_t width = 832, height = 480;  ///< Pixels.
  double tea_cache = 0;               ///< TeaCache's threshold; 0 = off.
  bool merges_lora = false;  ///< Whether the layout's own LoRA is merged unless told otherwise.

  bool operator==(const ModelDefaults&) const = default;
};

/// Where each part of a model lies, whichever layout its folder has, and what kind of model it is.
/// A part that is absent has an empty path; `part` is how to ask for one that must be there.
struct ModelLayout {
  LayoutKind kind = LayoutKind::kOriginal;
  std::filesystem::path root;  ///< The folder that was given or found.
  std::filesystem::path base;  ///< Micro-World: the folder that the other networks come from.

  std::filesystem::path transformer;         ///< A folder of weights, or one weights file.
  std::filesystem::path transformer_config;  ///< Its `config.json`.
  std::filesystem::path vae;                 ///< A folder with `config.json`, or a `.pth`.
  std::filesystem::path text_encoder;        ///< The same.
  std::filesystem::path tokenizer;           ///< `spiece.model`.
  std::filesystem::path image_encoder;       ///< As `vae`; models that start from an image.
  std::filesystem::path scheduler;           ///< `scheduler_config.json`; diffusers and embedded.
  std::filesystem::path lora;                ///< The LoRA that belongs to the model.

  wan::Naming naming = wan::Naming::kOriginal;  ///< Of the transformer's configuration.
  std::string family;  ///< "t2v-1.3b", "t2w-1.3b", ...: see `model_families` in the source.
  std::string task;    ///< t2v, i2v, flf2v, ti2v, t2w, i2w, or play for embedded worlds.
  bool is_released_size = false;  ///< Whether the transformer has exactly that family's sizes.
  ModelDefaults defaults;

  /// The path of a part by its field's name. Throws Error kIo when there is none, saying where it
  /// was wanted.
  const std::filesystem::path& part(const std::string& name) const;
};

/// What `find_layout` may be told besides the path.
struct LayoutRequest {
  /// Folder or name of the model that lends its VAE and encoders to a Micro-World folder. Empty:
  /// one with the released base's name is looked for beside it and in `models/` of the cache.
  std::string base = {};
  /// Chooses between the models of a folder that holds several: "t2w" or "i2w".
  std::string task = {};
};

/// The layout of a folder, or nothing when it is none that is known. Looks at names only.
std::optional<LayoutKind> layout_kind(const std::filesystem::path& folder);

/// Finds a model by path or name (see `find_model`) and where its parts lie.
///
/// Also takes one weights file of a transformer (`.gguf`, `.safetensors`), whose other parts are
/// looked for in its folder. Throws Error kIo when nothing is there, kFormat or kConfig when a
/// configuration is not sound, kInvalidArgument when the folder holds several models; each names
/// the file.
ModelLayout find_layout(const std::string& path_or_name, const LayoutRequest& request = {});

}  // namespace mw::engine
