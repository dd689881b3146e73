// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/bench_parts.h"

#include <ATen/core/Generator.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>

#include "mw/engine/embedded_model.h"
#include "mw/engine/world.h"
#include "mw/ops/attention.h"
#include "mw/ops/modulate.h"
#include "mw/ops/reproject.h"
#include "mw/train/base_objective.h"
#include "mw/train/trainer.h"

namespace mw::app {
namespace {

namespace fs = std::filesystem;
using engine::EmbeddedModel;

constexpr const char* kDTypes[] = {"fp32", "bf16"};

std::string shape_text(at::IntArrayRef shape) {
  std::string text;
  for (const int64_t size : shape) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}

EmbeddedModel load(const fs::path& folder, const char* dtype) {
  return EmbeddedModel::load(folder, dtype, engine::WorldMode::kFull);
}

at::Tensor random(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat) {
  return at::randn(shape).to(dtype);
}

}  // namespace

void bench_ops(const fs::path& folder, BenchReport& report) {
  const at::NoGradGuard no_grad;
  for (const char* dtype : kDTypes) {
    const EmbeddedModel model = load(folder, dtype);
    const wan::WanConfig& config = model.transformer.config();
    const int64_t tokens = model.frame_tokens(), heads = config.num_heads;
    const int64_t seen = tokens * std::max<int64_t>(config.window_frames, 1);
    const at::Tensor q = random({1, tokens, heads, config.head_dim()}, model.dtype);
    const at::Tensor k = random({1, seen, heads, config.head_dim()}, model.dtype);
    const auto row = [&](const char* name, const std::string& shape) {
      return BenchRow{
          .part = "ops", .name = name, .shape = shape, .dtype = dtype, .rate_unit = "calls"};
    };
    report.measure(row("attention", shape_text(q.sizes()) + " over " + std::to_string(seen)),
                   [&] { ops::attention(q, k, k); });

    const at::Tensor x = random({1, tokens, config.dim}, model.dtype);
    const at::Tensor wide = random({config.dim, config.ffn_dim}, model.dtype);
    report.measure(
        row("matmul (ffn)", shape_text(x.sizes()) + " to " + std::to_string(config.ffn_dim)),
        [&] { x.matmul(wide); });
    const at::Tensor shift = random({1, 1, config.dim});
    report.measure(row("modulated_norm", shape_text(x.sizes())),
                   [&] { ops::modulated_norm(x, shift, shift, tokens, config.eps, model.dtype); });

    const at::Tensor frame = random({1, 3, model.height, model.width}, model.dtype);
    const at::Tensor depth = at::rand({1, 1, model.height / 4, model.width / 4});
    const at::Tensor before = at::zeros({1, 5}, at::TensorOptions(at::kDouble));
    const at::Tensor after = before.add(0.25);
    const ops::ReprojectConfig lens{.focal = model.prior.config().focal};
    report.measure(row("reproject", shape_text(frame.sizes())),
                   [&] { ops::reproject(frame, depth, before, after, lens); });
  }
}

void bench_dit(const fs::path& folder, BenchReport& report) {
  const at::NoGradGuard no_grad;
  for (const char* dtype : kDTypes) {
    const EmbeddedModel model = load(folder, dtype);
    const wan::Transformer& transformer = model.transformer;
    const wan::WanConfig& config = transformer.config();
    const at::Tensor latents = random({1, config.in_dim, 1, model.height / 8, model.width / 8});
    const at::Tensor timestep = at::full({1}, 500.0);
    const wan::Context context = model.context_of("");
    const int64_t rows = model.history_rows() + 1;
    const at::Tensor actions =
        config.has_actions()
            ? transformer.action_features(at::zeros({1, rows, 7}), at::zeros({1, rows, 2}), rows)
                  .narrow(1, rows - 1, 1)
            : at::Tensor();
    wan::KVCache cache = transformer.make_cache();
    const auto step = [&] { transformer.forward(latents, timestep, context, actions, &cache); };
    for (int64_t past = 1; past < config.window_frames; ++past) {
      step();
      transformer.commit(cache, model.frame_tokens());
    }
    report.measure(
        {.part = "dit",
         .name = "step",
         .shape = shape_text(latents.sizes()) + " past " + std::to_string(cache.num_frames()),
         .dtype = dtype,
         .rate_unit = "steps"},
        step);
  }
}

void bench_vae(const fs::path& folder, BenchReport& report) {
  const at::NoGradGuard no_grad;
  for (const char* dtype : kDTypes) {
    const EmbeddedModel model = load(folder, dtype);
    const at::Tensor pixels = random({1, 3, model.height, model.width}, model.dtype).clamp(-1, 1);
    const at::Tensor latents = model.vae.encode(pixels);
    const auto row = [&](const char* name, const at::Tensor& input) {
      return BenchRow{.part = "vae",
                      .name = name,
                      .shape = shape_text(input.sizes()),
                      .dtype = dtype,
                      .rate_unit = "frames"};
    };
    report.measure(row("encode", pixels), [&] { model.vae.encode(pixels); });
    report.measure(row("decode", latents), [&] { model.vae.decode(latents); });
    if (model.vae.config().has_depth_head) {
      report.measure(row("depth", latents), [&] { model.vae.depth(latents); });
    }
  }
}

void bench_play(const fs::path& folder, BenchReport& report) {
  for (const char* dtype : kDTypes) {
    engine::WorldOptions options;
    options.dtype = dtype;
    engine::World world(folder, options);
    video::Image start = video::make_image(world.width(), world.height());
    for (size_t i = 0; i < start.rgb.size(); ++i) {  // Sky above ground, with some texture.
      const size_t y = i / (3 * static_cast<size_t>(world.width()));
      const bool is_sky = 2 * y < static_cast<size_t>(world.height());
      start.rgb[i] = static_cast<uint8_t>((is_sky ? 180 : 90) + (i * 7 + y * 13) % 29);
    }
    engine::WorldStart begin;
    begin.image = start;
    world.start(begin);
    action::Action walk;
    walk.keys[0] = 1;
    walk.yaw = 2;
    report.measure({.part = "play",
                    .name = "action to frame",
                    .shape = std::to_string(world.width()) + "x" + std::to_string(world.height()) +
                             ", " + std::to_string(world.sampling().steps) + " steps",
                    .dtype = dtype,
                    .rate_unit = "frames"},
                   [&] { world.step(walk); });
  }
}

void bench_train(const fs::path& folder, BenchReport& report) {
  const wan::WanConfig sizes = wan::WanConfig::read(folder / "transformer" / "config.json");
  const EmbeddedModel model = load(folder, "fp32");
  const int64_t frames = 32, rows = model.height / 8, columns = model.width / 8;
  const at::TensorOptions whole(at::kLong), real(at::kDouble);
  const train::EncodedClip clip{
      .latents = at::randn({frames, 16, rows, columns}).to(at::kHalf),
      .hints = at::randn({frames, 16, rows, columns}).to(at::kHalf),
      .mask = at::rand({frames, 4, rows, columns}).to(at::kHalf),
      .parallax = at::rand({frames, 1, rows, columns}).to(at::kHalf),
      .classes = at::randint(0, prior::kNumMotionClasses, {frames}, whole),
      .keyboard = at::randint(0, 2, {frames, 7}).to(at::kFloat),
      .mouse = at::randn({frames, 2}),
      .poses = at::zeros({frames, 5}, real),
      .caption = ""};
  const train::EncodedBank bank({clip});
  train::BaseTrainingConfig config;
  config.dim = sizes.dim;
  config.num_layers = sizes.num_layers;
  config.num_heads = sizes.num_heads;
  config.ffn_dim = sizes.ffn_dim;
  config.action_dim = sizes.action_dim;
  config.text_dim = sizes.text_dim;
  config.text_len = sizes.text_len;
  config.window_frames = sizes.window_frames;
  train::BaseObjective objective(config, bank, bank, model.prior.config(), 1);
  const fs::path run = fs::temp_directory_path() / ("mw-bench-" + std::to_string(getpid()));
  train::Trainer trainer({}, objective, run, false);
  report.measure({.part = "train",
                  .name = "update of the DiT",
                  .shape = std::to_string(config.batch) + " clips of " +
                           std::to_string(config.frames) + " frames",
                  .dtype = "bf16",
                  .rate_unit = "clips",
                  .per_run = static_cast<double>(config.batch)},
                 [&] { trainer.update(); });
  fs::remove_all(run);
}

}  // namespace mw::app
