// SPDX-License-Identifier: Apache-2.0
#include "mw/train/frame_vae_objective.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/l1_loss.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <utility>

#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/models/vae/pixels.h"
#include "mw/ops/picture_quality.h"
#include "mw/video/image_file.h"

namespace mw::train {
namespace {

constexpr int64_t kValidationFrames = 96;
constexpr int64_t kStatisticsFrames = 512;
constexpr int64_t kDepthStride = vae::FrameVAEConfig::kDepthStride;

vae::FrameVAEConfig model_config_of(const FrameVAETrainingConfig& config) {
  if (!config.init_from.empty()) {
    return vae::FrameVAEConfig::read(user_path(config.init_from) / "config.json");
  }
  vae::FrameVAEConfig model;
  model.widths = config.widths;
  model.encoder_blocks = config.encoder_blocks;
  model.decoder_blocks = config.decoder_blocks;
  return model;
}

nn::ParameterStore store_of(const FrameVAETrainingConfig& config, uint64_t seed) {
  if (config.init_from.empty()) return nn::ParameterStore::created(seed);
  // Copies: the file's own pages must not change under a writer.
  nn::TensorMap tensors =
      nn::read_tensors(user_path(config.init_from) / "diffusion_pytorch_model.safetensors");
  for (auto& [name, tensor] : tensors) tensor = tensor.to(at::kFloat).clone();
  return nn::ParameterStore(std::move(tensors));
}

at::Tensor gradient_loss(const at::Tensor& a, const at::Tensor& b) {
  const auto difference = [](const at::Tensor& x, int64_t axis) {
    return x.narrow(axis, 1, x.size(axis) - 1).sub(x.narrow(axis, 0, x.size(axis) - 1));
  };
  return at::l1_loss(difference(a, 2), difference(b, 2))
      .add(at::l1_loss(difference(a, 3), difference(b, 3)));
}

}  // namespace

FrameVAEObjective::FrameVAEObjective(const FrameVAETrainingConfig& config, FrameBank train,
                                     FrameBank validation, int64_t num_steps, uint64_t seed)
    : config_(config),
      model_config_(model_config_of(config)),
      train_(std::move(train)),
      validation_(std::move(validation)),
      num_steps_(num_steps),
      store_(store_of(config, seed)),
      model_(model_config_, nn::WeightScope(store_)) {
  MW_CHECK(config.crop % 8 == 0 && config.crop > 0 && config.crop <= train_.frames.size(2),
           "config: crop must be a multiple of 8 up to the frame's height, got ", config.crop);
}

bool FrameVAEObjective::is_frozen(const std::string& name) const {
  return config_.freeze_encoder && name.starts_with("encoder.");
}

FrameVAEObjective::Batch FrameVAEObjective::draw(int64_t step, at::Generator& random) const {
  const bool use_whole =
      static_cast<double>(step) >= config_.full_frames_from * static_cast<double>(num_steps_);
  const int64_t count = use_whole ? config_.full_frames_batch : config_.batch;
  const int64_t height = train_.frames.size(2), width = train_.frames.size(3);
  const int64_t rows = use_whole ? height : config_.crop;
  const int64_t columns = use_whole ? width : config_.crop;
  const auto draw_below = [&](int64_t end) {
    return at::randint(end, {count}, random, at::TensorOptions(at::kLong));
  };
  const at::Tensor index = draw_below(train_.size());
  // Offsets off the latent grid: moved pictures must encode well too. Depth has a coarser raster.
  const at::Tensor top = draw_below((height - rows) / kDepthStride + 1).mul(kDepthStride);
  const at::Tensor left = draw_below((width - columns) / kDepthStride + 1).mul(kDepthStride);
  const at::Tensor flip = draw_below(2);
  std::vector<at::Tensor> pixels, depth;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t n = index[i].item<int64_t>(), y = top[i].item<int64_t>(),
                  x = left[i].item<int64_t>();
    const bool is_flipped = flip[i].item<int64_t>() == 1;
    const at::Tensor crop = train_.frames[n].narrow(1, y, rows).narrow(2, x, columns);
    pixels.push_back(is_flipped ? crop.flip({2}) : crop);
    if (!train_.depth.defined()) continue;
    const at::Tensor map = train_.depth[n]
                               .narrow(0, y / kDepthStride, rows / kDepthStride)
                               .narrow(1, x / kDepthStride, columns / kDepthStride);
    depth.push_back(is_flipped ? map.flip({1}) : map);
  }
  Batch batch{
      .pixels = vae::to_pixels(at::stack(pixels)).contiguous(at::MemoryFormat::ChannelsLast),
      .depth = {}};
  if (!depth.empty()) batch.depth = at::stack(depth).unsqueeze(1).to(at::kFloat).div(255);
  return batch;
}

at::Tensor FrameVAEObjective::loss(int64_t step, at::Generator& random, Scalars& figures) {
  const Batch batch = draw(step, random);
  const at::Tensor latents = model_.encode(batch.pixels);
  // A different strength for each frame, up to the limit: the decoder learns both clean and noisy.
  const at::Tensor strength =
      at::rand({latents.size(0), 1, 1, 1}, random, at::TensorOptions(at::kFloat))
          .mul(config_.latent_noise)
          .mul(latents.detach().to(at::kFloat).std());
  const at::Tensor noise = at::randn(latents.sizes(), random, at::TensorOptions(at::kFloat));
  const at::Tensor decoded = model_.decode(latents.add(noise.mul(strength))).to(at::kFloat);

  const at::Tensor absolute = at::l1_loss(decoded, batch.pixels);
  at::Tensor loss = absolute.add(at::mse_loss(decoded, batch.pixels))
                        .add(gradient_loss(decoded, batch.pixels), config_.gradient_weight)
                        .add(latents.to(at::kFloat).pow(2).mean(), config_.latent_weight);
  figures["l1"] = absolute.item<double>();
  if (batch.depth.defined() && model_config_.has_depth_head && config_.depth_weight > 0) {
    const at::Tensor depth_error = at::l1_loss(model_.depth(latents).to(at::kFloat), batch.depth);
    figures["depth_l1"] = depth_error.item<double>();
    loss = loss.add(depth_error, config_.depth_weight);
  }
  return loss;
}

Scalars FrameVAEObjective::validate() {
  const int64_t count = std::min(kValidationFrames, validation_.size());
  const int64_t step = validation_.size() / count;
  double psnr_sum = 0, ssim_sum = 0, depth_sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor pixels = vae::to_pixels(validation_.frames.narrow(0, i * step, 1));
    const at::Tensor latents = model_.encode(pixels);
    const auto to_unit = [](const at::Tensor& x) {
      return x.to(at::kFloat).add(1).div(2).clamp(0, 1);
    };
    const at::Tensor decoded = to_unit(model_.decode(latents)), wanted_pixels = to_unit(pixels);
    psnr_sum += ops::psnr(decoded, wanted_pixels).item<double>();
    ssim_sum += ops::ssim(decoded, wanted_pixels).item<double>();
    if (!validation_.depth.defined() || !model_config_.has_depth_head) continue;
    const at::Tensor wanted =
        validation_.depth.narrow(0, i * step, 1).unsqueeze(1).to(at::kFloat).div(255);
    depth_sum += at::l1_loss(model_.depth(latents).to(at::kFloat), wanted).item<double>();
  }
  Scalars figures = {{"psnr", psnr_sum / static_cast<double>(count)},
                     {"ssim", ssim_sum / static_cast<double>(count)}};
  if (depth_sum > 0) figures["depth_error"] = depth_sum / static_cast<double>(count);
  return figures;
}

void FrameVAEObjective::write_samples(const std::filesystem::path& folder) {
  const int64_t count = std::min<int64_t>(6, validation_.size());
  std::vector<at::Tensor> rows;
  for (int64_t i = 0; i < count; ++i) {
    const at::Tensor pixels =
        vae::to_pixels(validation_.frames.narrow(0, i * (validation_.size() / count), 1));
    const at::Tensor latents = model_.encode(pixels);
    std::vector<at::Tensor> row = {pixels, model_.decode(latents).to(at::kFloat)};
    if (model_config_.has_depth_head) {
      row.push_back(model_.depth(latents)
                        .to(at::kFloat)
                        .mul(2)
                        .sub(1)
                        .repeat_interleave(kDepthStride, 2)
                        .repeat_interleave(kDepthStride, 3)
                        .expand({-1, 3, -1, -1}));
    }
    rows.push_back(at::cat(row, 3));
  }
  video::write_png(folder / "reconstructions.png", vae::to_image(at::cat(rows, 2)));
}

void FrameVAEObjective::export_model(const std::filesystem::path& folder) {
  vae::FrameVAEConfig config = model_config_;
  if (!config_.freeze_encoder) {
    // Raw latents: the statistics in use, if the run began from a model, are undone first.
    config.latents_mean.clear();
    config.latents_std.clear();
    const vae::FrameVAE raw(config, nn::WeightScope(store_));
    const int64_t count = std::min(kStatisticsFrames, train_.size());
    std::vector<at::Tensor> latents;
    for (int64_t i = 0; i < count; ++i) {
      latents.push_back(
          raw.encode(vae::to_pixels(train_.frames.narrow(0, i * (train_.size() / count), 1))));
    }
    const at::Tensor all = at::cat(latents).to(at::kDouble).transpose(0, 1).flatten(1);  // [16, n]
    const at::Tensor mean = all.mean(1), deviation = all.std(1);
    for (int64_t c = 0; c < all.size(0); ++c) {
      config.latents_mean.push_back(mean[c].item<double>());
      config.latents_std.push_back(deviation[c].item<double>());
    }
  }
  config.write(folder / "config.json");
  store_.save(folder / "diffusion_pytorch_model.safetensors", {{"format", "pt"}});
}

}  // namespace mw::train
