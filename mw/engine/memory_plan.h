// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mw/models/vae/wan_vae_config.h"
#include "mw/models/wan/config.h"

namespace mw::engine {

/// How much of a model's weights is in memory at a time.
enum class Offload {
  kNone,        ///< All of every part that was opened.
  kModel,       ///< One part at a time: the text encoder is gone before the transformer comes.
  kSequential,  ///< Of the transformer, one block at a time; slow where the disk is.
};

/// Throws Error kInvalidArgument for a text other than none, model or sequential.
Offload parse_offload(const std::string& text);
const char* name_of(Offload offload);

/// The weights of one part in memory.
struct WeightBytes {
  /// Used where they lie in the mapped file: the system may drop these pages and read them again.
  int64_t mapped = 0;
  /// Converted copies, which are this process's own.
  int64_t own = 0;

  int64_t total() const { return mapped + own; }
};

/// What opening the weights of a file or folder takes when floating tensors are to be `dtype`
/// (`kChar`: 8 bits for matrices, bfloat16 for the rest). Reads headers alone.
/// Throws Error kIo or kFormat, naming the file.
WeightBytes weight_bytes(const std::filesystem::path& file_or_folder, at::ScalarType dtype);

/// What a clip is to be, as far as it matters for memory.
struct MemoryRequest {
  wan::WanConfig transformer{};
  vae::WanVAEConfig vae{};
  WeightBytes transformer_weights{}, text_weights{}, image_weights{}, vae_weights{};
  int64_t width = 832, height = 480, frames = 81;  ///< Pixels and video frames.
  at::ScalarType dtype = at::kBFloat16;            ///< Of the transformer; kChar for int8.
  Offload offload = Offload::kModel;
  bool use_guidance = true;
  bool use_tea_cache = false;
  bool use_vae_tiling = false;
  bool has_image = false;  ///< Whether frames are encoded too.
};

/// The peak of one phase.
struct MemoryPhase {
  std::string name;     ///< text, image, denoise, decode.
  WeightBytes weights;  ///< Of everything that is in memory then.
  int64_t working = 0;  ///< Activations, context, frames.

  /// What must be there or the process is killed.
  int64_t needed() const { return weights.own + working; }
  /// What should be there, so that no weight is read from the disk twice.
  int64_t wanted() const { return weights.total() + working; }
};

struct MemoryPlan {
  std::vector<MemoryPhase> phases;

  const MemoryPhase& largest() const;
  /// "memory: text 11.4 GB, denoise 3.3 GB, decode 1.2 GB; peak 11.4 GB" in one line.
  std::string text() const;
};

/// Peaks by phase, from sizes alone; nothing is allocated. An estimate from above: what was
/// measured lies within it (docs/memory.md).
MemoryPlan plan_memory(const MemoryRequest& request);

/// Throws Error kInvalidArgument when `request` wants more than `available` bytes, naming the phase
/// and the first of these that fits: offloading, 8 bits, tiling, a smaller picture, fewer frames.
/// Mapped weights of one part that is used step after step must fit as a whole, except with
/// sequential offloading. `where` opens the message.
void check_memory(const MemoryRequest& request, int64_t available, const std::string& where);

}  // namespace mw::engine
