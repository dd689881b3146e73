// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/clip_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mw/core/error.h"
#include "mw/models/vae/wan_vae_config.h"
#include "mw/models/wan/config.h"

namespace mw::engine {
namespace {

// The rotation tables end here, in latent frames and in patches of a side.
constexpr int64_t kLargestPosition = 1024;
constexpr int64_t kLargestSteps = 1000;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, message);
}

bool starts_from_image(const std::string& task) { return task.starts_with("i2"); }
bool takes_actions(const std::string& task) { return task.ends_with("2w"); }

std::string resolve_task(const ModelLayout& layout, const ClipRequest& request) {
  const bool has_image = request.image.has_value();
  if (layout.task == "ti2v") {
    if (request.task.empty()) return has_image ? "i2v" : "t2v";
    if (request.task == "t2v" || request.task == "i2v") return request.task;
  }
  const std::string own = layout.task == "flf2v" ? "i2v" : layout.task;
  if (request.task.empty() || request.task == own) return own;
  refuse("--task " + request.task + ": '" + layout.root.string() + "' is a model for " +
         (layout.task == "ti2v" ? "t2v and i2v" : own));
}

void check_inputs(const ModelLayout& layout, const std::string& task, const ClipRequest& request) {
  const std::string model = "'" + layout.root.string() + "' (" + layout.family + ")";
  if (starts_from_image(task) && !request.image) {
    refuse(model + " starts from a picture: give --image FILE");
  }
  if (!starts_from_image(task) && request.image) {
    refuse(model + " starts from a prompt alone; leave --image out");
  }
  if (layout.task == "flf2v" && !request.last_image) {
    refuse(model + " ends with a picture too: give --last-image FILE");
  }
  if (layout.task != "flf2v" && request.last_image) {
    refuse(model + " takes no last frame; leave --last-image out");
  }
  if (takes_actions(task) && !request.actions) {
    refuse(model + " wants --actions, for example --actions \"w*40, right(3)*40\"");
  }
  if (!takes_actions(task) && request.actions) {
    refuse(model + " takes no --actions; wanted a Micro-World model");
  }
}

struct Geometry {
  int64_t channels = 16, stride = 8, frames_per_latent = 4;
};

Geometry read_geometry(const ModelLayout& layout) {
  const std::filesystem::path config_json = layout.part("vae") / "config.json";
  if (!std::filesystem::is_regular_file(config_json)) {
    // A release's single file: the autoencoder of Wan2.2's TI2V, or Wan2.1's.
    return layout.task == "ti2v" ? Geometry{.channels = 48, .stride = 16} : Geometry{};
  }
  const vae::WanVAEConfig config = vae::WanVAEConfig::read(config_json);
  return {.channels = config.z_dim,
          .stride = config.spatial_stride(),
          .frames_per_latent = config.temporal_stride()};
}

int64_t resolve_frames(const ModelDefaults& defaults, const ClipRequest& request, int64_t group) {
  int64_t frames = request.num_frames;
  if (frames == 0) {
    frames = request.actions ? request.actions->num_frames() : defaults.frames;
    // A whole number of latents; the actions end with standing still.
    if (request.actions) frames = (frames + group - 2) / group * group + 1;
  }
  const int64_t below = (frames - 1) / group * group + 1;
  if (frames < 1 || below != frames) {
    refuse(concat_message("--frames: wanted 1 and a multiple of ", group, ", such as ",
                          std::max<int64_t>(below, 1), " or ", std::max<int64_t>(below, 1) + group,
                          ", got ", frames));
  }
  const int64_t most = (kLargestPosition - 1) * group + 1;
  if (frames > most) refuse(concat_message("--frames: at most ", most, ", got ", frames));
  return frames;
}

ImageRules rules_of(const ModelLayout& layout) {
  if (layout.task == "ti2v") return ImageRules::kTI2V;
  switch (layout.kind) {
    case LayoutKind::kDiffusers:
      return ImageRules::kDiffusers;
    case LayoutKind::kMicroWorld:
      return ImageRules::kMicroWorld;
    case LayoutKind::kOriginal:
    case LayoutKind::kEmbedded:
      break;
  }
  return ImageRules::kWan;
}

ClipSize resolve_size(const ModelLayout& layout, const ClipRequest& request, int64_t multiple) {
  const ClipSize own{.width = layout.defaults.width, .height = layout.defaults.height};
  ClipSize size = request.size;
  if (size == ClipSize{}) {
    const bool fits_image = request.image && layout.kind != LayoutKind::kMicroWorld;
    size = fits_image
               ? size_for_image(*request.image, own.width * own.height, multiple, rules_of(layout))
               : own;
  }
  const int64_t most = kLargestPosition * multiple;
  if (size.width < multiple || size.height < multiple || size.width % multiple != 0 ||
      size.height % multiple != 0 || size.width > most || size.height > most) {
    refuse(concat_message("--size: wanted WxH in multiples of ", multiple, " up to ", most,
                          ", got ", size.width, "x", size.height));
  }
  return size;
}

double checked(double value, double least, double most, const char* option) {
  if (!(value >= least && value <= most)) {
    refuse(concat_message(option, ": wanted ", least, " to ", most, ", got ", value));
  }
  return value;
}

std::optional<diffusion::TeaCacheConfig> resolve_tea_cache(const ModelLayout& layout,
                                                           const ClipRequest& request) {
  // The published threshold is of published weights; on others it would only spoil the clip.
  const double own = layout.is_released_size ? layout.defaults.tea_cache : 0;
  const double threshold = checked(request.tea_cache.value_or(own), 0, 100, "--teacache");
  if (threshold == 0) return std::nullopt;
  std::string family = layout.family;
  if (family == "t2w-1.3b") family = "t2v-1.3b";
  if (family == "i2w-14b") family = "i2v-14b-480p";
  const auto polynomial = diffusion::tea_cache_polynomial(family);
  if (!polynomial) refuse("--teacache: nothing was fitted for " + layout.family + "; leave it out");
  return diffusion::TeaCacheConfig{.polynomial = *polynomial, .threshold = threshold};
}

void check_noise(const at::Tensor& noise, const std::array<int64_t, 4>& shape) {
  const auto [c, t, h, w] = shape;
  if (noise.sizes() != at::IntArrayRef({1, c, t, h, w}) || !noise.is_floating_point()) {
    refuse(concat_message("--noise: wanted a floating tensor [1, ", c, ", ", t, ", ", h, ", ", w,
                          "], got ", noise.sizes()));
  }
}

std::string resolve_negative(const ModelLayout& layout, const ClipRequest& request) {
  // The original reads an empty text as none given; diffusers and Micro-World as the empty prompt.
  const bool is_given = request.negative_prompt &&
                        (!request.negative_prompt->empty() || layout.kind != LayoutKind::kOriginal);
  return is_given ? *request.negative_prompt : default_negative_prompt(layout);
}

}  // namespace

ClipPlan plan_clip(const ModelLayout& layout, ClipRequest request) {
  MW_CHECK(layout.kind != LayoutKind::kEmbedded, "model '", layout.root.string(),
           "' is an embedded world, not a pipeline");
  ClipPlan plan;
  plan.layout = layout;
  plan.task = resolve_task(layout, request);
  check_inputs(layout, plan.task, request);
  for (const char* part : {"transformer", "vae", "text_encoder", "tokenizer"}) layout.part(part);

  const wan::WanConfig config = layout.transformer_config.empty()
                                    ? wan::WanConfig{}
                                    : wan::WanConfig::read(layout.transformer_config);
  plan.text_length = config.text_len;
  plan.image_rules = rules_of(layout);
  plan.uses_image_encoder = starts_from_image(plan.task) && config.image_dim > 0;
  if (plan.uses_image_encoder) layout.part("image_encoder");
  plan.keeps_first_latent = layout.task == "ti2v" && plan.task == "i2v";

  const Geometry vae = read_geometry(layout);
  plan.num_frames = resolve_frames(layout.defaults, request, vae.frames_per_latent);
  plan.fps = layout.defaults.fps;
  plan.size = resolve_size(layout, request, 2 * vae.stride);
  plan.latent_shape = {vae.channels, (plan.num_frames - 1) / vae.frames_per_latent + 1,
                       plan.size.height / vae.stride, plan.size.width / vae.stride};
  const bool has_condition = starts_from_image(plan.task) && !plan.keeps_first_latent;
  const int64_t condition_channels = has_condition ? vae.frames_per_latent + vae.channels : 0;
  if (config.in_dim != vae.channels + condition_channels || config.out_dim != vae.channels) {
    throw Error(ErrorCode::kConfig,
                concat_message("model '", layout.root.string(),
                               "': transformer and vae do not fit: ", "wanted ",
                               vae.channels + condition_channels, " channels in and ", vae.channels,
                               " out, got ", config.in_dim, " and ", config.out_dim));
  }

  plan.sampler =
      diffusion::parse_sampler(request.sampler.empty() ? layout.defaults.sampler : request.sampler,
                               layout.defaults.grid, "--sampler");
  plan.steps = request.steps > 0 ? request.steps : layout.defaults.steps;
  checked(static_cast<double>(plan.steps), 1, kLargestSteps, "--steps");
  plan.shift = checked(request.shift.value_or(layout.defaults.shift), 0.01, 100, "--shift");
  plan.guidance = {
      .scale = checked(request.guidance.value_or(layout.defaults.guidance), 0, 100, "--guidance"),
      .skip_ratio = checked(request.cfg_skip, 0, 1, "--cfg-skip")};
  plan.tea_cache = resolve_tea_cache(layout, request);
  if (request.noise.defined()) check_noise(request.noise, plan.latent_shape);
  if (layout.defaults.merges_lora && !layout.lora.empty()) {
    plan.loras.push_back({.file = layout.lora});
  }
  plan.loras.insert(plan.loras.end(), request.loras.begin(), request.loras.end());
  if (request.actions) plan.actions = request.actions->resized(plan.num_frames);

  plan.prompt = std::move(request.prompt);
  plan.negative_prompt = resolve_negative(layout, request);
  plan.image = std::move(request.image);
  plan.last_image = std::move(request.last_image);
  plan.seed = request.seed;
  plan.noise = request.noise;
  plan.dtype = request.dtype;
  plan.use_int8 = request.use_int8;
  plan.offload = request.offload;
  plan.use_vae_tiling = request.use_vae_tiling;
  return plan;
}

}  // namespace mw::engine
