// SPDX-License-Identifier: Apache-2.0
// mw generate for original models (Wan, Micro-World): all frames of a clip together.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/mw/clip_output.h"
#include "apps/mw/generate_options.h"
#include "apps/mw/interrupt.h"
#include "apps/mw/progress_line.h"
#include "mw/action/parse.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/machine_memory.h"
#include "mw/engine/model_memory.h"
#include "mw/engine/overlay.h"
#include "mw/engine/pipeline.h"
#include "mw/models/vae/pixels.h"
#include "mw/nn/tensor_file.h"
#include "mw/ops/device.h"
#include "mw/video/image_file.h"

namespace mw::app {
namespace {

using Stage = engine::ClipProgress::Stage;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

engine::ClipSize parse_size(const std::string& text) {
  int width = 0, height = 0, end = 0;
  if (std::sscanf(text.c_str(), "%5dx%5d%n", &width, &height, &end) != 2 ||
      end != static_cast<int>(text.size()) || width < 1 || height < 1) {
    refuse_generate("--size: wanted WxH, for example 832x480, got " + quote_text(text));
  }
  return {.width = width, .height = height};
}

/// FILE or FILE:scale.
engine::LoraChoice parse_lora(const std::string& text) {
  engine::LoraChoice choice{.file = user_path(text)};
  const size_t colon = text.rfind(':');
  if (!std::filesystem::exists(choice.file) && colon != std::string::npos) {
    char* end = nullptr;
    choice.scale = std::strtod(text.c_str() + colon + 1, &end);
    if (end == text.c_str() + colon + 1 || *end != '\0' || !(choice.scale > -100) ||
        !(choice.scale < 100)) {
      refuse_generate("--lora: wanted FILE[:scale], got " + quote_text(text));
    }
    choice.file = user_path(text.substr(0, colon));
  }
  if (!std::filesystem::is_regular_file(choice.file)) {
    throw Error(ErrorCode::kIo, "--lora: there is no file '" + choice.file.string() + "'");
  }
  return choice;
}

at::Tensor read_noise(const std::string& name) {
  const nn::TensorMap tensors = nn::read_tensors(user_path(name));
  const auto found = tensors.find("noise");
  if (found == tensors.end()) {
    refuse_generate("--noise '" + name + "': there is no tensor 'noise'");
  }
  return found->second;
}

at::ScalarType parse_dtype(const std::string& name) {
  if (name.empty() || name == "bf16" || name == "int8") return at::kBFloat16;
  if (name != "fp32") {
    refuse_generate("--dtype: wanted fp32, bf16 or int8, got " + quote_text(name));
  }
  return at::kFloat;
}

void check_is_served(const GenerateOptions& options) {
  const std::string model = "'" + options.model + "' is no embedded world: ";
  if (options.scale > 0 || options.pitch != 0 || options.mode != "full" ||
      options.filter != "bicubic" || options.clip.is_given()) {
    refuse_generate(model + "it takes no --clip, --scale, --filter, --pitch or --mode");
  }
  if (options.device != "auto" && !ops::open_device(options.device).is_cpu()) {
    throw Error(ErrorCode::kDevice,
                "generate: original models run on the CPU so far; wanted "
                "--device auto or cpu, got " +
                    quote_text(options.device));
  }
}

engine::ClipPlan make_plan(const GenerateOptions& options) {
  engine::ClipRequest request;
  request.task = options.task;
  request.prompt = options.prompt;
  request.negative_prompt = options.negative_prompt;
  request.num_frames = options.frames;
  request.steps = options.steps;
  request.guidance = options.guidance;
  request.tea_cache = options.tea_cache;
  request.cfg_skip = options.cfg_skip;
  request.sampler = options.sampler;
  request.seed = options.seed;
  request.dtype = parse_dtype(options.dtype);
  request.use_int8 = options.dtype == "int8";
  request.offload = engine::parse_offload(options.offload);
  request.use_vae_tiling = options.use_vae_tiling;
  if (!options.size.empty()) request.size = parse_size(options.size);
  if (options.shift > 0) request.shift = options.shift;
  for (const std::string& lora : options.loras) request.loras.push_back(parse_lora(lora));
  if (!options.actions.empty()) request.actions = action::parse_actions(options.actions);
  if (!options.image.empty()) request.image = video::read_image(user_path(options.image));
  if (!options.last_image.empty()) {
    request.last_image = video::read_image(user_path(options.last_image));
  }
  if (!options.noise.empty()) request.noise = read_noise(options.noise);
  return engine::plan_clip(
      engine::find_layout(options.model, {.base = options.base, .task = options.task}),
      std::move(request));
}

/// Says what the clip takes and refuses what does not fit. Models that fit anywhere are not worth a
/// line.
void check_room(const engine::ClipPlan& plan) {
  constexpr int64_t kWorthALine = 2'000'000'000;
  engine::MemoryRequest request =
      engine::memory_request(plan.layout, plan.use_int8 ? at::kChar : plan.dtype);
  request.width = plan.size.width;
  request.height = plan.size.height;
  request.frames = plan.num_frames;
  request.offload = plan.offload;
  request.use_guidance = plan.guidance.is_on();
  request.use_tea_cache = plan.tea_cache.has_value();
  request.use_vae_tiling = plan.use_vae_tiling;
  request.has_image = plan.image.has_value();
  const int64_t available = engine::available_memory();
  engine::check_memory(request, available, "generate");
  const engine::MemoryPlan memory = engine::plan_memory(request);
  if (memory.largest().wanted() < kWorthALine) return;
  std::fprintf(stderr, "%s; %.1f GB are free\n", memory.text().c_str(),
               static_cast<double>(available) / 1e9);
}

/// Tells on a terminal what is being done and how long it will take.
class ClipLine {
 public:
  void show(const engine::ClipProgress& progress) {
    if (!line_.is_terminal()) return;
    switch (progress.stage) {
      case Stage::kText:
        return line_.show("reading the prompt");
      case Stage::kImage:
        return line_.show("looking at the picture");
      case Stage::kLoad:
        return line_.show("opening the transformer");
      case Stage::kDenoise:
        return show_steps(progress);
      case Stage::kDecode:
        return line_.show(concat_message("decoding ", progress.done, "/", progress.total));
    }
  }

 private:
  void show_steps(const engine::ClipProgress& progress) {
    if (progress.done == 0) begin_ = std::chrono::steady_clock::now();
    std::string text = concat_message("step ", progress.done, "/", progress.total);
    if (progress.done > 0) {
      const double each = seconds_since(begin_) / static_cast<double>(progress.done);
      char rate[64];
      std::snprintf(rate, sizeof rate, "  %.1f s/step  ", each);
      text += rate;
      text += duration_text(each * static_cast<double>(progress.total - progress.done)) + " to go";
    }
    line_.show(text);
  }

  ProgressLine line_;
  std::chrono::steady_clock::time_point begin_;
};

void write_clip(const GenerateOptions& options, const engine::ClipPlan& plan,
                const engine::GeneratedClip& clip, ClipOutput& out) {
  if (user_path(options.out).extension() == ".safetensors") {
    nn::write_tensors(user_path(options.out), {{"latents", clip.latents}, {"video", clip.video}});
    return;
  }
  engine::Overlay overlay;
  for (int64_t i = 0; i < plan.num_frames; ++i) {
    const video::Image raw = vae::to_image(clip.video.select(2, i).mul(2).sub(1));
    video::Image shown = raw;
    if (options.use_overlay) overlay.draw(shown, plan.actions->rows()[static_cast<size_t>(i)]);
    out.write(raw, shown, {});
  }
  out.finish();
}

void report(const GenerateOptions& options, const engine::ClipPlan& plan,
            const engine::GeneratedClip& clip, double seconds) {
  const auto width = static_cast<int>(plan.size.width), height = static_cast<int>(plan.size.height);
  if (options.use_json) {
    const nlohmann::ordered_json json = {{"out", options.out},
                                         {"model", options.model},
                                         {"family", plan.layout.family},
                                         {"task", plan.task},
                                         {"frames", plan.num_frames},
                                         {"width", width},
                                         {"height", height},
                                         {"fps", plan.fps},
                                         {"seed", plan.seed},
                                         {"steps", plan.steps},
                                         {"sampler", diffusion::sampler_name(plan.sampler)},
                                         {"shift", plan.shift},
                                         {"guidance", plan.guidance.scale},
                                         {"reused_steps", clip.reused_steps},
                                         {"seconds", seconds}};
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("%s: %lld frames of %s in %.1f s, %lld steps of %s, seed %llu\n", options.out.c_str(),
              static_cast<long long>(plan.num_frames), video::size_text(width, height).c_str(),
              seconds, static_cast<long long>(plan.steps),
              diffusion::sampler_name(plan.sampler).c_str(),
              static_cast<unsigned long long>(plan.seed));
}

}  // namespace

void generate_original(const GenerateOptions& options) {
  check_is_served(options);
  const engine::ClipPlan plan = make_plan(options);
  if (options.use_overlay && !plan.actions) {
    refuse_generate("--overlay draws --actions, and this model takes none");
  }
  check_room(plan);
  const auto [channels, frames, rows, columns] = plan.latent_shape;
  const std::unique_ptr<ClipOutput> out =
      open_clip_output(options.out, {.width = static_cast<int>(plan.size.width),
                                     .height = static_cast<int>(plan.size.height),
                                     .fps = plan.fps,
                                     .latent_shape = {channels, rows, columns}});
  const std::atomic<bool>& is_interrupted = watch_interrupts();
  const auto begin = std::chrono::steady_clock::now();
  engine::FolderParts parts(plan);
  engine::GeneratedClip clip;
  {
    ClipLine line;
    clip = engine::generate_clip(plan, parts, [&](const engine::ClipProgress& progress) {
      line.show(progress);
      return !is_interrupted;
    });
  }
  write_clip(options, plan, clip, *out);
  report(options, plan, clip, seconds_since(begin));
}

}  // namespace mw::app
