// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/convert_model.h"

#include <unistd.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/models/text/umt5_encoder.h"
#include "mw/models/vae/wan_vae.h"
#include "mw/models/vae/wan_vae_key_map.h"
#include "mw/models/wan/key_map.h"
#include "mw/models/wan/load_transformer.h"
#include "mw/nn/tensor_file.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

constexpr const char* kWeights = "diffusion_pytorch_model.safetensors";

/// A folder that is removed unless it gets its final name.
class NewFolder {
 public:
  explicit NewFolder(const fs::path& path)
      : path_(path),
        temporary_(path.parent_path() /
                   ("." + path.filename().string() + "." + std::to_string(::getpid()) + ".tmp")) {
    if (fs::exists(path)) {
      throw Error(ErrorCode::kInvalidArgument,
                  "convert: '" + path.string() + "' exists; name a new folder");
    }
    fs::create_directories(temporary_);
  }
  ~NewFolder() {
    std::error_code ignored;
    fs::remove_all(temporary_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const fs::path& place() const { return temporary_; }
  void keep() { fs::rename(temporary_, path_); }

 private:
  fs::path path_, temporary_;
};

std::optional<at::ScalarType> dtype_of(const std::string& name) {
  if (name.empty()) return std::nullopt;
  if (name == "fp32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  if (name == "fp16") return at::kHalf;
  throw Error(ErrorCode::kInvalidArgument,
              "convert: dtype must be fp32, bf16 or fp16, got " + quote_text(name));
}

class Conversion {
 public:
  Conversion(const ModelLayout& model, const ConvertRequest& request, fs::path out)
      : model_(model),
        to_diffusers_(request.to == LayoutKind::kDiffusers),
        dtype_(dtype_of(request.dtype)),
        out_(std::move(out)) {}

  std::vector<std::string> run() {
    convert_transformer();
    if (!model_.vae.empty()) convert_vae();
    if (!model_.text_encoder.empty()) convert_text_encoder();
    if (!model_.tokenizer.empty()) copy_tokenizer();
    if (!model_.image_encoder.empty()) copy_image_encoder();
    if (to_diffusers_) write_index();
    return done_;
  }

 private:
  using Rename = std::function<std::string(const std::string&)>;

  void write(const nn::TensorMap& originals, const Rename& diffusers_name, const fs::path& file) {
    fs::create_directories(file.parent_path());
    nn::TensorMap renamed;
    for (const auto& [name, tensor] : originals) {
      renamed.emplace(to_diffusers_ ? diffusers_name(name) : name, tensor);
    }
    nn::write_tensors(file, renamed, {{"format", "pt"}}, dtype_);
  }

  void convert_transformer() {
    wan::WanConfig config = wan::WanConfig::read(model_.part("transformer_config"));
    nn::ParameterStore store = wan::load_weights(model_.transformer);
    check_names(config, store);
    const fs::path folder = to_diffusers_ ? out_ / "transformer" : out_;
    write(store.tensors(), &wan::diffusers_name, folder / kWeights);
    config.naming = to_diffusers_ ? wan::Naming::kDiffusers : wan::Naming::kOriginal;
    config.write(folder / "config.json");
    done_.emplace_back("transformer");
  }

  /// Every tensor has its place, and every place its tensor, before hours go into writing.
  void check_names(const wan::WanConfig& config, nn::ParameterStore& store) const {
    nn::build_strictly<wan::Transformer>(config, store, model_.transformer.string());
  }

  void convert_vae() {
    const bool is_folder = fs::is_directory(model_.vae);
    const nn::TensorMap stored = nn::read_tensors(model_.vae);
    const vae::WanVAEConfig config = is_folder
                                         ? vae::WanVAEConfig::read(model_.vae / "config.json")
                                         : vae::wan_vae_config_of(stored, model_.vae.string());
    const bool is_diffusers = stored.count("encoder.conv_in.weight") != 0;
    nn::TensorMap tensors;
    for (const auto& [name, tensor] : stored) {
      tensors.emplace(is_diffusers ? vae::original_name(name, config) : name, tensor);
    }
    nn::ParameterStore store(tensors);
    nn::build_strictly<vae::WanVAE>(config, store, model_.vae.string());
    const Rename rename = [&](const std::string& name) {
      return vae::diffusers_name(name, config);
    };
    const char* file = config.z_dim == 48 ? "Wan2.2_VAE.safetensors" : "Wan2.1_VAE.safetensors";
    write(tensors, rename, to_diffusers_ ? out_ / "vae" / kWeights : out_ / file);
    if (to_diffusers_) config.write(out_ / "vae" / "config.json");
    done_.emplace_back("vae");
  }

  void convert_text_encoder() {
    nn::TensorMap tensors;
    for (const auto& [name, tensor] : nn::read_tensors(model_.text_encoder)) {
      if (name == "encoder.embed_tokens.weight" || name == "spiece_model") continue;
      tensors.emplace(text::umt5_original_name(name), tensor);
    }
    const bool is_folder = fs::is_directory(model_.text_encoder);
    const text::UMT5Config config =
        is_folder ? text::UMT5Config::read(model_.text_encoder / "config.json")
                  : text::umt5_config_of(tensors, model_.text_encoder.string());
    const fs::path folder = out_ / "text_encoder";
    write(tensors, &text::umt5_hugging_face_name,
          to_diffusers_ ? folder / "model.safetensors"
                        : out_ / "models_t5_umt5-xxl-enc-bf16.safetensors");
    if (to_diffusers_) config.write(folder / "config.json");
    done_.emplace_back("text_encoder");
  }

  void copy_tokenizer() {
    const fs::path folder = to_diffusers_ ? out_ / "tokenizer" : out_ / "google" / "umt5-xxl";
    fs::create_directories(folder.parent_path());
    fs::copy(model_.tokenizer.parent_path(), folder);
    done_.emplace_back("tokenizer");
  }

  /// Its two forms differ in more than names; programs of both layouts of ours read either.
  void copy_image_encoder() {
    fs::copy(model_.image_encoder, out_ / model_.image_encoder.filename(),
             fs::copy_options::recursive);
    done_.emplace_back("image_encoder");
  }

  void write_index() const {
    const bool has_image = !model_.image_encoder.empty();
    nlohmann::ordered_json index = {
        {"_class_name", has_image ? "WanImageToVideoPipeline" : "WanPipeline"},
        {"scheduler", {"diffusers", "UniPCMultistepScheduler"}},
        {"text_encoder", {"transformers", "UMT5EncoderModel"}},
        {"tokenizer", {"transformers", "T5TokenizerFast"}},
        {"transformer", {"diffusers", "WanTransformer3DModel"}},
        {"vae", {"diffusers", "AutoencoderKLWan"}}};
    if (has_image) index["image_encoder"] = {"transformers", "CLIPVisionModel"};
    io::write_file(out_ / "model_index.json", index.dump(2) + "\n");
    const nlohmann::ordered_json scheduler = {{"_class_name", "UniPCMultistepScheduler"},
                                              {"num_train_timesteps", 1000},
                                              {"prediction_type", "flow_prediction"},
                                              {"use_flow_sigmas", true},
                                              {"solver_order", 2},
                                              {"flow_shift", model_.defaults.shift}};
    fs::create_directories(out_ / "scheduler");
    io::write_file(out_ / "scheduler" / "scheduler_config.json", scheduler.dump(2) + "\n");
  }

  const ModelLayout& model_;
  bool to_diffusers_;
  std::optional<at::ScalarType> dtype_;
  fs::path out_;
  std::vector<std::string> done_;
};

}  // namespace

std::vector<std::string> convert_model(const ModelLayout& model, const ConvertRequest& request,
                                       const fs::path& out) {
  MW_CHECK(request.to == LayoutKind::kDiffusers || request.to == LayoutKind::kOriginal,
           "convert: models become diffusers or original folders, not ", name_of(request.to));
  if (model.kind == LayoutKind::kEmbedded || model.kind == LayoutKind::kMicroWorld) {
    throw Error(ErrorCode::kInvalidArgument,
                "convert: '" + model.root.string() + "' has the " + name_of(model.kind) +
                    " layout, which no other library reads; wanted a diffusers or original folder");
  }
  NewFolder folder(out.has_filename() ? out : out.parent_path());
  std::vector<std::string> parts = Conversion(model, request, folder.place()).run();
  folder.keep();
  return parts;
}

}  // namespace mw::engine
