// SPDX-License-Identifier: Apache-2.0
// mw generate: a clip from a prompt, a picture and actions, by whichever model is named.
#include <memory>
#include <string>

#include "apps/mw/commands.h"
#include "apps/mw/generate_options.h"
#include "mw/action/action_track.h"
#include "mw/core/error.h"
#include "mw/engine/model_folder.h"
#include "mw/engine/model_layout.h"

namespace mw::app {
namespace {

void generate(const GenerateOptions& options) {
  // Without a name it is the default world, or the one of a session that is rendered again.
  if (options.model.empty() ||
      engine::layout_kind(engine::find_model(options.model)) == engine::LayoutKind::kEmbedded) {
    generate_world(options);
  } else {
    generate_original(options);
  }
}

void add_world_options(CLI::App& command, GenerateOptions& o) {
  const char* group = "Embedded worlds";
  command.add_option("--pitch", o.pitch, "Degrees that the camera of --image looks down")
      ->check(CLI::Range(-90.0, 90.0))
      ->group(group);
  command.add_option("--mode", o.mode, "full, or a baseline: prior, rotation, repeat")
      ->check(CLI::IsMember({"full", "prior", "rotation", "repeat"}))
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--scale", o.scale,
                  "Enlarge frames so many times; by default once, or until an overlay can be read")
      ->check(CLI::Range(1, 16))
      ->group(group);
  command.add_option("--filter", o.filter, "How: bicubic or nearest")
      ->check(CLI::IsMember({"bicubic", "nearest"}))
      ->capture_default_str()
      ->group(group);
}

void add_original_options(CLI::App& command, GenerateOptions& o) {
  const char* group = "Original models";
  command.add_option("--base", o.base, "Micro-World: the Wan model that lends its other networks")
      ->group(group);
  command
      .add_option("--last-image", o.last_image, "Last frame, for models of first and last frame")
      ->group(group);
  command.add_option("--negative-prompt", o.negative_prompt, "What is not to be seen")
      ->group(group);
  command.add_option("--guidance", o.guidance, "Strength of the prompt; 1 = off")
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  command
      .add_option("--teacache", o.tea_cache,
                  "Leave out blocks whose effect is estimated to change less, such as 0.1; 0 = off")
      ->check(CLI::Range(0.0, 100.0))
      ->group(group);
  command
      .add_option("--cfg-skip", o.cfg_skip,
                  "Part of the steps, at the end, without guidance, 0 to 1")
      ->check(CLI::Range(0.0, 1.0))
      ->group(group);
  command.add_option("--lora", o.loras, "Adapters to merge, FILE[:scale]")->group(group);
  command
      .add_option("--offload", o.offload,
                  "Weights in memory: model, one network at a time; sequential, one block of the "
                  "transformer at a time; none, everything opened so far counts")
      ->check(CLI::IsMember({"none", "model", "sequential"}))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--vae-tiling", o.use_vae_tiling, "Decode in tiles: less memory, more time")
      ->group(group);
}

}  // namespace

void refuse_generate(const std::string& message) {
  throw Error(ErrorCode::kInvalidArgument, "generate: " + message);
}

void add_generate(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("generate", "Render a clip from a prompt or picture and actions");
  auto options = std::make_shared<GenerateOptions>();
  GenerateOptions& o = *options;
  command
      ->add_option(
          "--task", o.task,
          "i2w: picture and actions; t2w: prompt and actions; i2v and t2v: the same without "
          "actions; by default the model's, or i2w")
      ->check(CLI::IsMember({"t2v", "i2v", "t2w", "i2w"}));
  command->add_option("--model", o.model,
                      "A model's folder or name; by default a session's own, else overworld");
  command->add_option("--prompt", o.prompt, "What is to be seen");
  command->add_option("--image", o.image, "Start frame; resized to the clip's size");
  o.clip.add_to(*command);
  command->add_option("--actions", o.actions,
                      "Keys and mouse: a file (also a session's recording), or text such as "
                      "\"w*16, right(4)*24\" (see docs/actions.md)");
  command
      ->add_option("--frames", o.frames, "Length; by default that of the actions, else the model's")
      ->check(CLI::Range(int64_t{1}, action::kMaxRows));
  command->add_option("--size", o.size,
                      "WxH; by default the model's; an embedded world has one size");
  command->add_option("--steps", o.steps, "Sampler steps; by default the model's own")
      ->check(CLI::Range(1, 1000));
  command->add_option("--shift", o.shift, "Shift of the noise levels; by default the model's own")
      ->check(CLI::Range(0.01, 100.0));
  command->add_option(
      "--sampler", o.sampler,
      "unipc, dpm++ or euler, perhaps with :reference or :diffusers; embedded worlds: "
      "euler or consistency; by default the model's own");
  command->add_option("--seed", o.seed, "Of the noise")
      ->check(refuse_negative)
      ->capture_default_str();
  command->add_option("--device", o.device, "auto or cpu")->capture_default_str();
  command->add_option("--dtype", o.dtype,
                      "fp32, bf16 or, for original models, int8; by default a session's own, else "
                      "fp32 for embedded worlds and "
                      "bf16 for others");
  command->add_flag("--overlay", o.use_overlay, "Draw keys and mouse over the frames");
  command->add_option("--noise", o.noise, "Starting noise: tensor noise [1,C,F,h,w] of a file");
  command->add_option("--out", o.out, "FILE.mp4, FILE.safetensors or DIR/%05d.png")->required();
  command->add_flag("--json", o.use_json, "Print the result as JSON");
  add_original_options(*command, o);
  add_world_options(*command, o);
  command->callback([options] { generate(*options); });
  command->footer(
      "Example:\n  mw generate --image start.png --actions \"w*16, right(4)*24, none*8\" "
      "--overlay --out out.mp4");
}

}  // namespace mw::app
