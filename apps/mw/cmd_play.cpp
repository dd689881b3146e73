// SPDX-License-Identifier: Apache-2.0
// mw play: a world in this machine's browser.
#include <memory>
#include <string>

#include "apps/mw/clip_option.h"
#include "apps/mw/commands.h"
#include "apps/mw/serve_run.h"
#include "mw/core/user_path.h"
#include "mw/video/image_file.h"

namespace mw::app {
namespace {

struct PlayOptions {
  ServeOptions serve;
  ClipOption clip;
  std::string image, prompt;
  uint64_t seed = 0;
  double pitch = 0;
  bool no_browser = false;
};

void play(PlayOptions& options) {
  engine::WorldStart& start = options.serve.config.first_start;
  if (!options.image.empty()) start.image = video::read_image(user_path(options.image));
  start.caption = options.prompt;
  start.pitch = options.pitch;
  if (options.clip.is_given()) {
    start = options.clip.start();
    if (!options.prompt.empty()) start.caption = options.prompt;
  }
  start.seed = options.seed;
  options.serve.use_browser = !options.no_browser;
  run_server(options.serve);
}

}  // namespace

void add_play(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("play", "Walk through a world in the browser");
  auto options = std::make_shared<PlayOptions>();
  add_serve_options(*command, options->serve);
  command->add_option("--image", options->image, "Start frame; by default one of the gallery");
  options->clip.add_to(*command);
  command->add_option("--prompt", options->prompt, "What is to be seen");
  command->add_option("--seed", options->seed, "Of the noise")
      ->check(refuse_negative)
      ->capture_default_str();
  command->add_option("--pitch", options->pitch, "Degrees that the camera of --image looks down")
      ->check(CLI::Range(-90.0, 90.0));
  command->add_flag("--no-browser", options->no_browser, "Only print the address");
  command->callback([options] { play(*options); });
  command->footer("Example:\n  mw play --no-browser --port 8080");
}

}  // namespace mw::app
