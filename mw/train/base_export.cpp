// SPDX-License-Identifier: Apache-2.0
// A trained base model as the folder that every command loads.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "mw/core/user_path.h"
#include "mw/data/dataset_info.h"
#include "mw/io/atomic_file.h"
#include "mw/train/base_objective.h"

namespace mw::train {
namespace {

namespace fs = std::filesystem;

void write_json(const fs::path& file, const nlohmann::ordered_json& json) {
  io::write_file(file, json.dump(2) + "\n");
}

}  // namespace

void BaseObjective::export_model(const fs::path& folder) {
  for (const char* part : {"transformer", "scheduler", "camera_prior", "vae"}) {
    fs::create_directories(folder / part);
  }
  model_.config().write(folder / "transformer" / "config.json");
  nn::TensorMap weights;
  nn::TensorMap text_weights;
  const std::string text_prefix = "text_encoder.";
  for (const auto& [name, tensor] : store_.tensors()) {
    if (name.starts_with(text_prefix)) {
      text_weights[text::umt5_hugging_face_name(name.substr(text_prefix.size()))] =
          tensor.detach().to(at::kBFloat16);
      continue;
    }
    // The head is linear: a share of its output is a share of its weights.
    const double share = name.starts_with("head.head.") ? config_.correction : 1;
    weights[name] = tensor.detach().mul(share).to(at::kBFloat16);
  }
  if (text_encoder_) {
    fs::create_directories(folder / "text_encoder");
    fs::create_directories(folder / "tokenizer");
    text_encoder_->config().write(folder / "text_encoder" / "config.json");
    nn::write_tensors(folder / "text_encoder" / "model.safetensors", text_weights,
                      {{"format", "pt"}});
    fs::copy_file(user_path(config_.tokenizer), folder / "tokenizer" / "spiece.model",
                  fs::copy_options::overwrite_existing);
  }
  nn::write_tensors(folder / "transformer" / "diffusion_pytorch_model.safetensors", weights,
                    {{"format", "pt"}});
  prior_.config().write(folder / "camera_prior" / "config.json");
  const fs::path encoded = data::DatasetPaths{user_path(config_.data)}.encoded_folder();
  for (const char* file : {"config.json", "diffusion_pytorch_model.safetensors"}) {
    fs::copy_file(encoded / "vae" / file, folder / "vae" / file,
                  fs::copy_options::overwrite_existing);
  }
  write_json(folder / "scheduler" / "scheduler_config.json", {{"_class_name", "StreamSampler"},
                                                              {"sampler", "euler"},
                                                              {"steps", 1},
                                                              {"first_frame_steps", 16},
                                                              {"shift", config_.shift},
                                                              {"context_sigma", 0.3}});
  const data::DatasetInfo info =
      data::read_info(data::DatasetPaths{user_path(config_.data)}.info());
  nlohmann::ordered_json index = {{"_class_name", "EmbeddedWorld"},
                                  {"width", info.width},
                                  {"height", info.height},
                                  {"fps", info.fps},
                                  {"transformer", {"microworld", "WanActionAdaLNModel"}},
                                  {"vae", {"microworld", "FrameVAE"}},
                                  {"camera_prior", {"microworld", "CameraPrior"}},
                                  {"scheduler", {"microworld", "StreamSampler"}}};
  if (text_encoder_) {
    index["text_encoder"] = {"microworld", "UMT5Encoder"};
    index["tokenizer"] = {"microworld", "sentencepiece"};
  }
  write_json(folder / "model_index.json", index);
}

}  // namespace mw::train
