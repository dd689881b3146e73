// SPDX-License-Identifier: Apache-2.0
// mw generate for embedded worlds: frame after frame from a start frame and actions.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "apps/mw/clip_output.h"
#include "apps/mw/generate_options.h"
#include "apps/mw/interrupt.h"
#include "apps/mw/machine.h"
#include "apps/mw/progress_line.h"
#include "mw/action/parse.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/overlay.h"
#include "mw/engine/recording.h"
#include "mw/engine/world.h"
#include "mw/io/safetensors.h"
#include "mw/video/image_file.h"
#include "mw/video/resize.h"

namespace mw::app {
namespace {

constexpr int64_t kDefaultFrames = 81;

bool wants_image(const std::string& task) { return task == "i2w" || task == "i2v"; }
bool wants_actions(const std::string& task) { return task == "i2w" || task == "t2w"; }

/// What a task needs and what it can't use.
void check_task(const GenerateOptions& options) {
  const std::string task = "--task " + options.task;
  if (options.clip.is_given() && !options.image.empty()) {
    refuse_generate("--clip brings its own pictures; leave --image out");
  }
  const bool has_image = !options.image.empty() || options.clip.is_given();
  if (wants_image(options.task) && !has_image) {
    refuse_generate(task +
                    " starts from a picture: give --image FILE or --clip FILE, or use --task " +
                    (wants_actions(options.task) ? "t2w" : "t2v"));
  }
  if (!wants_image(options.task) && has_image) {
    refuse_generate(task + " starts from a caption alone; for a picture use --task " +
                    (wants_actions(options.task) ? "i2w" : "i2v"));
  }
  if (wants_actions(options.task) && options.actions.empty()) {
    refuse_generate(task + " wants --actions, for example --actions \"w*16, right(4)*24\"");
  }
  if (!wants_actions(options.task) && !options.actions.empty()) {
    refuse_generate(task + " takes no --actions; with them use --task " +
                    (wants_image(options.task) ? "i2w" : "t2w"));
  }
}

/// What the original models will take and an embedded world can't.
void check_is_served(const GenerateOptions& options) {
  const std::string world = "'" + options.model + "' is an embedded world: ";
  if (options.guidance.value_or(1) != 1) {
    refuse_generate(world +
                    "it has no guidance (it is its own few-step model); leave --guidance out");
  }
  if (options.negative_prompt) refuse_generate(world + "it takes no --negative-prompt");
  if (!options.loras.empty()) refuse_generate(world + "it takes no --lora");
  if (!options.base.empty()) refuse_generate(world + "it has all parts itself; leave --base out");
  if (!options.last_image.empty()) refuse_generate(world + "it takes no --last-image");
  if (options.tea_cache || options.cfg_skip != 0 || options.use_vae_tiling) {
    refuse_generate(world + "it takes no --teacache, --cfg-skip or --vae-tiling");
  }
  if (!options.sampler.empty() && options.sampler != "euler" && options.sampler != "consistency") {
    refuse_generate(world + "wanted --sampler euler or consistency, got " +
                    quote_text(options.sampler));
  }
  if (options.dtype != "fp32" && options.dtype != "bf16") {
    refuse_generate(world + "wanted --dtype fp32 or bf16, got " + quote_text(options.dtype));
  }
  if (options.device != "auto" && options.device != "cpu") {
    throw Error(ErrorCode::kDevice, "generate: " + world +
                                        "it runs on the CPU; wanted --device auto or cpu, got " +
                                        quote_text(options.device));
  }
}

void check_size(const std::string& size, const engine::World& world) {
  const std::string own = video::size_text(world.width(), world.height());
  if (!size.empty() && size != own) {
    refuse_generate("--size: this model renders " + own + ", got " + quote_text(size) +
                    "; leave it out, or enlarge with --scale");
  }
}

/// `noise` [1, C, F, h, w] of a file as F frames of C*h*w values.
std::vector<float> read_noise(const std::string& name, const std::array<int64_t, 3>& latent) {
  const io::SafetensorsReader file(user_path(name));
  const auto found = file.tensors().find("noise");
  const std::string where = "--noise '" + name + "': ";
  if (found == file.tensors().end()) refuse_generate(where + "there is no tensor 'noise'");
  const io::TensorView& noise = found->second;
  const auto [channels, rows, columns] = latent;
  if (noise.dtype != io::DType::kF32 || noise.shape.size() != 5 || noise.shape[0] != 1 ||
      noise.shape[1] != channels || noise.shape[3] != rows || noise.shape[4] != columns) {
    refuse_generate(
        concat_message(where, "wanted float32 [1, ", channels, ", F, ", rows, ", ", columns, "]"));
  }
  const auto frames = static_cast<size_t>(noise.shape[2]);
  const auto cells = static_cast<size_t>(rows * columns);
  const auto num_channels = static_cast<size_t>(channels);
  std::vector<float> by_frame(noise.data.size() / sizeof(float));
  for (size_t frame = 0; frame < frames; ++frame) {
    for (size_t channel = 0; channel < num_channels; ++channel) {
      const size_t from = (channel * frames + frame) * cells;
      const size_t to = (frame * num_channels + channel) * cells;
      std::memcpy(by_frame.data() + to, noise.data.data() + from * sizeof(float),
                  cells * sizeof(float));
    }
  }
  return by_frame;
}

action::ActionTrack read_actions(const GenerateOptions& options,
                                 const std::optional<engine::Recording>& session) {
  const bool is_given = !options.actions.empty();
  action::ActionTrack track;
  if (session) {
    track = session->actions;
  } else if (is_given) {
    track = action::parse_actions(options.actions);
  }
  const int64_t frames =
      options.frames > 0 ? options.frames : (is_given ? track.num_frames() : kDefaultFrames);
  if (frames > action::kMaxRows) {
    refuse_generate(concat_message("--frames: at most ", action::kMaxRows, ", got ", frames));
  }
  return track.resized(frames);
}

engine::WorldMode mode_of(const std::string& name) {
  if (name == "prior") return engine::WorldMode::kPriorOnly;
  if (name == "rotation") return engine::WorldMode::kRotationOnly;
  if (name == "repeat") return engine::WorldMode::kRepeat;
  return engine::WorldMode::kFull;
}

engine::World open_world(const GenerateOptions& options) {
  const std::filesystem::path folder = engine::find_model(options.model);
  engine::SamplingConfig sampling =
      engine::SamplingConfig::read(folder / "scheduler" / "scheduler_config.json");
  if (options.steps > 0) sampling.steps = sampling.first_frame_steps = options.steps;
  if (options.shift > 0) sampling.shift = options.shift;
  if (!options.sampler.empty()) sampling.sampler = options.sampler;
  return engine::World(
      folder, {.mode = mode_of(options.mode), .dtype = options.dtype, .sampling = sampling});
}

/// How much larger frames are written than the model makes them.
int scale_of(const GenerateOptions& options, int width) {
  if (options.scale > 0) return static_cast<int>(options.scale);
  return options.use_overlay ? engine::readable_scale(width) : 1;
}

video::Image enlarged(const video::Image& frame, int scale, bool is_nearest) {
  if (scale == 1) return frame;
  if (!is_nearest) return video::resize(frame, frame.width * scale, frame.height * scale);
  video::Image large = video::make_image(frame.width * scale, frame.height * scale);
  size_t i = 0;
  for (int y = 0; y < large.height; ++y) {
    for (int x = 0; x < large.width; ++x) {
      const size_t from = 3 * (static_cast<size_t>(y / scale) * static_cast<size_t>(frame.width) +
                               static_cast<size_t>(x / scale));
      for (size_t c = 0; c < 3; ++c) large.rgb[i++] = frame.rgb[from + c];
    }
  }
  return large;
}

/// The session that --actions names, if it is one: it brings its start, which --image replaces.
std::optional<engine::Recording> find_session(const GenerateOptions& options) {
  constexpr size_t kLongestPath = 4096;
  if (options.actions.empty() || options.actions.size() > kLongestPath) return std::nullopt;
  return engine::find_recording(user_path(options.actions));
}

/// A session is rendered by the model and in the dtype that it ran with, unless others are given.
void choose_model(GenerateOptions& options, const std::optional<engine::Recording>& session) {
  if (options.model.empty()) options.model = session ? session->model : "overworld";
  if (options.dtype.empty()) options.dtype = session ? session->dtype : "fp32";
  if (session && session->dtype != options.dtype) {
    std::fprintf(stderr,
                 "note: the session ran in %s; --dtype %s renders it a little differently\n",
                 session->dtype.c_str(), options.dtype.c_str());
  }
}

}  // namespace

void generate_world(GenerateOptions options) {
  use_world_threads();
  const std::optional<engine::Recording> session = find_session(options);
  if (options.task.empty()) options.task = "i2w";
  choose_model(options, session);
  const bool is_replay = session && options.image.empty() && !options.clip.is_given();
  if (!is_replay) check_task(options);
  check_is_served(options);
  const action::ActionTrack track = read_actions(options, session);
  engine::WorldStart start;
  start.seed = options.seed;
  start.pitch = options.pitch;
  if (is_replay) start = session->start;
  if (options.clip.is_given()) {
    start = options.clip.start();
    start.seed = options.seed;
  }
  if (!options.image.empty()) start.image = video::read_image(user_path(options.image));

  engine::World world = open_world(options);
  check_size(options.size, world);
  if (!options.noise.empty()) start.noise = read_noise(options.noise, world.latent_shape());
  const int scale = scale_of(options, world.width());
  const ClipFormat format{.width = world.width() * scale,
                          .height = world.height() * scale,
                          .fps = world.fps(),
                          .latent_shape = world.latent_shape()};
  const std::unique_ptr<ClipOutput> out = open_clip_output(options.out, format);
  if (!is_replay && !options.prompt.empty()) start.caption = options.prompt;
  if (!world.reads_captions()) {
    start.caption.clear();
    if (!options.prompt.empty()) {
      std::fprintf(stderr, "note: this model has no text encoder; --prompt has no effect\n");
    }
  }

  const std::atomic<bool>& is_interrupted = watch_interrupts();
  ProgressLine line;
  engine::Overlay overlay;
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  };
  const int64_t frames = track.num_frames();
  for (int64_t i = 0; i < frames; ++i) {
    if (is_interrupted)
      throw Error(ErrorCode::kCancelled, "generate: stopped; nothing was written");
    const action::Action& action = track.rows()[static_cast<size_t>(i)];
    const video::Image raw = i == 0 ? world.start(start) : world.step(action);
    video::Image shown = enlarged(raw, scale, options.filter == "nearest");
    if (options.use_overlay) overlay.draw(shown, action);
    out->write(raw, shown, world.latent());
    if (line.is_terminal()) {
      const double spent = seconds(), done = static_cast<double>(i + 1);
      char text[160];
      std::snprintf(text, sizeof text, "frame %lld/%lld  %.1f frames/s  %s to go",
                    static_cast<long long>(i + 1), static_cast<long long>(frames), done / spent,
                    duration_text(spent / done * static_cast<double>(frames - i - 1)).c_str());
      line.show(text);
    }
  }
  out->finish();

  const double spent = seconds();
  if (options.use_json) {
    const nlohmann::ordered_json json = {
        {"out", options.out},    {"model", options.model},          {"frames", frames},
        {"width", format.width}, {"height", format.height},         {"fps", format.fps},
        {"seed", start.seed},    {"steps", world.sampling().steps}, {"seconds", spent}};
    std::printf("%s\n",
                json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
  } else {
    std::printf("%s: %lld frames of %s in %.1f s (%.1f frames/s), seed %llu\n", options.out.c_str(),
                static_cast<long long>(frames),
                video::size_text(format.width, format.height).c_str(), spent,
                static_cast<double>(frames) / spent, static_cast<unsigned long long>(start.seed));
  }
}

}  // namespace mw::app
