// SPDX-License-Identifier: Apache-2.0
// Runs one network of a model on given tensors: for comparisons with other programs and research.
#include <ATen/core/grad_mode.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "apps/mw/commands.h"
#include "apps/mw/forward_parts.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_folder.h"
#include "mw/engine/model_layout.h"

namespace mw::app {
namespace {

namespace fs = std::filesystem;

struct Part {
  const char* name;
  const char* help;
  nn::TensorMap (*run)(const ForwardRequest& request);
};

constexpr Part kParts[] = {
    {"transformer",
     "hidden_states, timestep, encoder_hidden_states [, encoder_hidden_states_image] [, keyboard, "
     "mouse] -> sample",
     &forward_transformer},
    {"vae-encode", "video -> latents, moments", &forward_vae_encode},
    {"vae-decode", "latents -> video", &forward_vae_decode},
    {"image", "pixel_values -> hidden_states", &forward_image},
    {"text", "input_ids, attention_mask (or --text) -> last_hidden_state", &forward_text},
};

struct Options {
  std::string model, in, out;
  std::string dtype = "fp32";
  std::optional<std::string> text;
  int64_t text_length = 512;
};

void run_part(const Part& part, const Options& options) {
  const c10::NoGradGuard no_grad;
  MW_CHECK(!options.in.empty() || options.text,
           "forward: nothing to run on; wanted --in F.safetensors or --text PROMPT");
  const fs::path given = user_path(options.model);
  const ForwardRequest request{
      .model = fs::exists(given) ? given : engine::find_model(options.model),
      .inputs = options.in.empty() ? nn::TensorMap() : nn::read_tensors(user_path(options.in)),
      .inputs_name = options.in,
      .dtype = options.dtype == "bf16" ? at::kBFloat16 : at::kFloat,
      .text = options.text,
      .text_length = options.text_length};
  nn::write_tensors(user_path(options.out), part.run(request));
}

}  // namespace

const at::Tensor& ForwardRequest::input(const std::string& name) const {
  const auto found = inputs.find(name);
  if (found == inputs.end()) {
    throw Error(ErrorCode::kFormat, "forward: '" + inputs_name + "' has no tensor '" + name + "'");
  }
  return found->second;
}

at::Tensor ForwardRequest::optional_input(const std::string& name) const {
  const auto found = inputs.find(name);
  return found == inputs.end() ? at::Tensor() : found->second;
}

fs::path ForwardRequest::network(const std::string& part) const {
  if (fs::is_regular_file(model)) return model;
  if (fs::is_regular_file(model / part / "config.json")) return model / part;
  if (engine::layout_kind(model)) return engine::find_layout(model.string()).part(part);
  if (fs::is_regular_file(model / "config.json")) return model;
  throw Error(ErrorCode::kIo, "forward: '" + model.string() +
                                  "' has no config.json, nor has its '" + part + "' folder");
}

void add_forward(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("forward", "Run one network of a model on tensors from a file");
  command->require_subcommand(1);
  for (const Part& part : kParts) {
    CLI::App* sub = command->add_subcommand(part.name, part.help);
    auto options = std::make_shared<Options>();
    sub->add_option("--model", options->model, "Model folder or name")->required();
    CLI::Option* in = sub->add_option("--in", options->in, "Inputs (.safetensors)");
    if (part.run == &forward_text) {
      sub->add_option("--text", options->text,
                      "A prompt for the model's tokenizer, instead of --in")
          ->excludes(in);
      sub->add_option("--length", options->text_length, "Tokens that it is cut or filled up to")
          ->check(CLI::PositiveNumber)
          ->capture_default_str();
    } else {
      in->required();
    }
    sub->add_option("--out", options->out, "Outputs (.safetensors)")->required();
    sub->add_option("--dtype", options->dtype, "Weights and products: fp32 or bf16")
        ->check(CLI::IsMember({"fp32", "bf16"}))
        ->capture_default_str();
    sub->footer(concat_message("Example:\n  mw forward ", part.name,
                               " --model overworld --in in.safetensors --out out.safetensors"));
    sub->callback([&part, options] { run_part(part, *options); });
  }
}

}  // namespace mw::app
