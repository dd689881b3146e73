// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/memory_plan.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <variant>

#include "mw/core/error.h"
#include "mw/io/safetensors_files.h"
#include "mw/io/weights_file.h"
#include "mw/nn/quantize.h"

namespace mw::engine {
namespace {

constexpr int64_t kFloat = 4;                     // Bytes of a float32.
constexpr int64_t kProgram = int64_t{350} << 20;  // libtorch and the program, measured.
constexpr int64_t kTile = 256;                    // Pixels of a tile's side.

struct Geometry {
  int64_t latent_frames, tokens;
};

Geometry geometry(const MemoryRequest& r) {
  const int64_t stride = r.vae.spatial_stride() * 2;
  const int64_t latent_frames = (r.frames - 1) / r.vae.temporal_stride() + 1;
  return {latent_frames, latent_frames * (r.height / stride) * (r.width / stride)};
}

int64_t element_bytes(at::ScalarType dtype) { return dtype == at::kFloat ? kFloat : 2; }

/// One encoder of 512 tokens: scores of every head in float32 twice, the widest layer in and out.
int64_t text_working(const MemoryRequest& r) {
  const int64_t tokens = r.transformer.text_len,
                heads = std::max<int64_t>(1, r.transformer.text_dim / 64);
  const int64_t ffn = r.transformer.text_dim * 5 / 2;
  return 2 * heads * tokens * tokens * kFloat +
         tokens * (6 * r.transformer.text_dim + 3 * ffn) * kFloat;
}

/// A pass of the transformer: the float32 stream and its successor, and the larger of attention and
/// the widest layer, beside what is kept for all steps.
int64_t denoise_working(const MemoryRequest& r) {
  const wan::WanConfig& c = r.transformer;
  const Geometry g = geometry(r);
  const int64_t bytes = element_bytes(r.dtype);
  const int64_t stream = 2 * g.tokens * c.dim * kFloat;
  // Input, q, k and v, the first two twice (normed, turned), the mix and its projection.
  const int64_t attention = g.tokens * c.dim * bytes * 8;
  int64_t widest = g.tokens * (2 * c.dim + 2 * c.ffn_dim) * bytes;
  if (r.dtype == at::kChar) widest += g.tokens * c.ffn_dim * (1 + kFloat);  // 8-bit rows, sums.
  const int64_t rows = c.text_len + (c.image_dim > 0 ? 257 : 0);
  const int64_t context = c.num_layers * 2 * rows * c.dim * bytes * (r.use_guidance ? 2 : 1);
  const int64_t kept = r.use_tea_cache ? 2 * g.tokens * c.dim * kFloat : 0;
  const int64_t latents = 8 * g.tokens * 4 * (c.in_dim + c.out_dim) * kFloat;
  const int64_t actions = c.has_actions() ? g.latent_frames * c.action_dim * kFloat * 64 : 0;
  // The control branch carries a stream of its own and a hint for each layer that takes one.
  const int64_t control =
      c.has_actions() && r.transformer.has_control_branch()
          ? g.tokens * c.dim * kFloat * static_cast<int64_t>(2 + c.action_layers.size())
          : 0;
  return stream + std::max(attention, widest) + context + kept + latents + actions + control;
}

/// The autoencoder in float32, one latent frame at a time: feature maps of a group of frames at
/// full resolution (in, padded, out of a convolution) with the causal cache of every layer.
int64_t vae_working(const MemoryRequest& r, bool is_decoder) {
  int64_t width = r.width, height = r.height;
  if (r.use_vae_tiling) {
    width = std::min(width, kTile);
    height = std::min(height, kTile);
  }
  const int64_t group = r.vae.temporal_stride();
  const int64_t maps = width * height * r.vae.base_dim * kFloat;
  const int64_t frames = r.width * r.height * 3 * r.frames * kFloat;
  // Two passes over the frames as numbers: the pieces, and all of them joined.
  return maps * (is_decoder ? 10 * group : 8 * group) + 2 * frames;
}

WeightBytes block_share(const WeightBytes& weights, int64_t num_layers) {
  // Two blocks: the one at work and the one whose pages are still being dropped.
  const int64_t layers = std::max<int64_t>(1, num_layers);
  return {.mapped = std::min(weights.mapped, 2 * weights.mapped / layers), .own = weights.own};
}

std::optional<at::ScalarType> floating_dtype(io::DType dtype) {
  switch (dtype) {
    case io::DType::kF64:
      return at::kDouble;
    case io::DType::kF32:
      return at::kFloat;
    case io::DType::kF16:
      return at::kHalf;
    case io::DType::kBF16:
      return at::kBFloat16;
    case io::DType::kF8E4M3:
      return at::kFloat8_e4m3fn;
    case io::DType::kF8E5M2:
      return at::kFloat8_e5m2;
    default:
      return std::nullopt;
  }
}

/// Adds what a stored tensor takes when floating ones become `dtype`.
void add_bytes(const std::string& name, const io::StoredTensor& stored, at::ScalarType dtype,
               WeightBytes& bytes) {
  const auto elements = static_cast<int64_t>(stored.num_elements());
  const auto* plain = std::get_if<io::DType>(&stored.type);
  const auto floating = plain != nullptr ? floating_dtype(*plain) : std::nullopt;
  const at::ScalarType wanted = dtype == at::kChar ? at::kBFloat16 : dtype;
  if (plain != nullptr && !floating) {
    bytes.mapped += static_cast<int64_t>(stored.data.size());
  } else if (dtype == at::kChar && nn::is_block_matrix(name, stored.shape.size())) {
    bytes.own += elements;
  } else if (floating == wanted) {
    bytes.mapped += static_cast<int64_t>(stored.data.size());
  } else {  // Also blocks of a GGUF file, whatever they are to become.
    bytes.own += elements * static_cast<int64_t>(c10::elementSize(wanted));
  }
}

std::string gigabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

/// What a phase must find free: mapped weights too, where they are read again and again.
int64_t requirement(const MemoryPhase& phase, Offload offload) {
  return phase.name == "denoise" && offload != Offload::kSequential ? phase.wanted()
                                                                    : phase.needed();
}

bool fits(const MemoryRequest& request, int64_t available) {
  const MemoryPlan plan = plan_memory(request);
  return std::all_of(plan.phases.begin(), plan.phases.end(), [&](const MemoryPhase& phase) {
    return requirement(phase, request.offload) <= available;
  });
}

/// Smaller requests in the order in which they cost least, with the words for them.
std::vector<std::pair<std::string, MemoryRequest>> smaller_requests(const MemoryRequest& request) {
  std::vector<std::pair<std::string, MemoryRequest>> tries;
  MemoryRequest r = request;
  std::string words;
  const auto add = [&](const std::string& word) {
    words += (words.empty() ? "" : " ") + word;
    tries.emplace_back(words, r);
  };
  if (r.offload == Offload::kNone) {
    r.offload = Offload::kModel;
    add("--offload model");
  }
  if (r.dtype == at::kFloat) {
    r.dtype = at::kBFloat16;
    r.transformer_weights = {.mapped = 0, .own = request.transformer_weights.total() / 2};
    r.text_weights = {.mapped = 0, .own = request.text_weights.total() / 2};
    add("--dtype bf16");
  }
  if (!r.use_vae_tiling) {
    r.use_vae_tiling = true;
    add("--vae-tiling");
  }
  if (r.offload != Offload::kSequential) {
    r.offload = Offload::kSequential;
    add("--offload sequential");
  }
  if (r.dtype == at::kBFloat16) {
    MemoryRequest eight = r;
    eight.dtype = at::kChar;
    eight.offload = Offload::kModel;
    eight.transformer_weights = {.mapped = 0, .own = r.transformer_weights.total() / 2};
    tries.emplace_back(words.substr(0, words.find(" --offload seq")) + " --dtype int8", eight);
  }
  constexpr std::array<std::pair<int64_t, int64_t>, 4> kSizes = {
      {{832, 480}, {640, 352}, {416, 240}, {256, 144}}};
  for (const auto& [width, height] : kSizes) {
    if (width * height >= r.width * r.height) continue;
    MemoryRequest small = r;
    small.width = request.width >= request.height ? width : height;
    small.height = request.width >= request.height ? height : width;
    const std::string size = concat_message("--size ", small.width, "x", small.height);
    tries.emplace_back(words + (words.empty() ? "" : " ") + size, small);
    small.frames = std::min<int64_t>(small.frames, 17);
    tries.emplace_back(tries.back().first + concat_message(" --frames ", small.frames), small);
  }
  return tries;
}

}  // namespace

Offload parse_offload(const std::string& text) {
  for (const Offload offload : {Offload::kNone, Offload::kModel, Offload::kSequential}) {
    if (text == name_of(offload)) return offload;
  }
  throw Error(ErrorCode::kInvalidArgument,
              "--offload: wanted none, model or sequential, got " + quote_text(text));
}

const char* name_of(Offload offload) {
  constexpr std::array kNames = {"none", "model", "sequential"};
  return kNames[static_cast<size_t>(offload)];
}

WeightBytes weight_bytes(const std::filesystem::path& file_or_folder, at::ScalarType dtype) {
  std::vector<std::filesystem::path> files = {file_or_folder};
  if (std::filesystem::is_directory(file_or_folder)) {
    files = io::safetensors_files(file_or_folder);
  }
  WeightBytes bytes;
  for (const std::filesystem::path& path : files) {
    const io::WeightsFile file(path);
    for (const auto& [name, stored] : file.tensors()) add_bytes(name, stored, dtype, bytes);
  }
  return bytes;
}

const MemoryPhase& MemoryPlan::largest() const {
  return *std::max_element(
      phases.begin(), phases.end(),
      [](const MemoryPhase& a, const MemoryPhase& b) { return a.wanted() < b.wanted(); });
}

std::string MemoryPlan::text() const {
  std::string text = "memory:";
  for (const MemoryPhase& phase : phases) {
    text += (text.back() == ':' ? " " : ", ") + phase.name + " " + gigabytes(phase.wanted());
    if (phase.weights.mapped > 0) {
      text += " (" + gigabytes(phase.weights.mapped) + " of it mapped from files)";
    }
  }
  return text + "; peak " + gigabytes(largest().wanted());
}

MemoryPlan plan_memory(const MemoryRequest& r) {
  MemoryPlan plan;
  WeightBytes kept;  // What earlier parts leave behind.
  const auto add = [&](const std::string& name, const WeightBytes& weights, int64_t working) {
    const WeightBytes together{.mapped = kept.mapped + weights.mapped,
                               .own = kept.own + weights.own};
    plan.phases.push_back({name, together, working + kProgram});
    if (r.offload == Offload::kNone) kept = together;
  };
  add("text", r.text_weights, text_working(r));
  if (r.has_image) {
    const WeightBytes both{.mapped = r.image_weights.mapped + r.vae_weights.mapped,
                           .own = r.image_weights.own + r.vae_weights.own};
    add("image", both, vae_working(r, false));
  }
  add("denoise",
      r.offload == Offload::kSequential
          ? block_share(r.transformer_weights, r.transformer.num_layers)
          : r.transformer_weights,
      denoise_working(r));
  add("decode", r.has_image && r.offload == Offload::kNone ? WeightBytes() : r.vae_weights,
      vae_working(r, true));
  return plan;
}

void check_memory(const MemoryRequest& request, int64_t available, const std::string& where) {
  if (fits(request, available)) return;
  const MemoryPlan plan = plan_memory(request);
  const MemoryPhase& worst = *std::max_element(
      plan.phases.begin(), plan.phases.end(), [&](const MemoryPhase& a, const MemoryPhase& b) {
        return requirement(a, request.offload) < requirement(b, request.offload);
      });
  std::string advice = "no setting of this model fits; it takes a larger machine";
  for (const auto& [words, smaller] : smaller_requests(request)) {
    if (!fits(smaller, available)) continue;
    advice = words + " fits";
    break;
  }
  throw Error(ErrorCode::kInvalidArgument, where + ": " + worst.name + " wants " +
                                               gigabytes(requirement(worst, request.offload)) +
                                               " of memory, " + gigabytes(available) +
                                               " are free; " + advice);
}

}  // namespace mw::engine
