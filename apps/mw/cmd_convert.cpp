// SPDX-License-Identifier: Apache-2.0
// Writes a Wan model of one folder layout as the other.
#include <cstdio>
#include <memory>
#include <string>

#include "apps/mw/commands.h"
#include "mw/core/user_path.h"
#include "mw/engine/convert_model.h"

namespace mw::app {
namespace {

struct Options {
  std::string in, to, dtype, out;
};

}  // namespace

void add_convert(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("convert", "Write a Wan model of one folder layout as the other");
  auto options = std::make_shared<Options>();
  command->add_option("model", options->in, "Model folder or name: diffusers, original or .gguf")
      ->required();
  command->add_option("--to", options->to, "The layout to write: diffusers or original")
      ->required()
      ->check(CLI::IsMember({"diffusers", "original"}));
  command->add_option("--dtype", options->dtype, "fp32, bf16 or fp16; by default as stored")
      ->check(CLI::IsMember({"fp32", "bf16", "fp16"}));
  command->add_option("--out", options->out, "A new folder; it appears whole or not at all")
      ->required();
  command->footer(
      "Tensors are renamed, configurations translated, everything else is copied; the original's\n"
      ".pth files are written as .safetensors. Converting back gives the same tensors.\n"
      "Example:\n  mw convert Wan2.1-T2V-1.3B --to diffusers --dtype bf16 --out wan-1.3b");
  command->callback([options] {
    const engine::ModelLayout model = engine::find_layout(options->in);
    const engine::ConvertRequest request{.to = options->to == "diffusers"
                                                   ? engine::LayoutKind::kDiffusers
                                                   : engine::LayoutKind::kOriginal,
                                         .dtype = options->dtype};
    std::string names;
    for (const std::string& part : engine::convert_model(model, request, user_path(options->out))) {
      names += (names.empty() ? "" : ", ") + part;
    }
    std::printf("%s: %s as %s: %s\n", options->out.c_str(), model.family.c_str(),
                options->to.c_str(), names.c_str());
  });
}

}  // namespace mw::app
