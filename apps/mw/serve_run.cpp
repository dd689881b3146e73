// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/serve_run.h"

#include <pthread.h>
#include <spawn.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <thread>

#include "apps/mw/machine.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/fake_backend.h"
#include "mw/engine/model_folder.h"
#include "mw/serve/server.h"
#include "mw/video/image_file.h"

extern char** environ;

namespace mw::app {
namespace {

engine::BackendFactory backends_of(const ServeOptions& options) {
  if (options.use_fake) return [] { return std::make_unique<engine::FakeBackend>(176, 96); };
  return engine::world_backends(
      engine::find_model(options.model),
      {.mode = engine::WorldMode::kFull, .dtype = options.dtype, .sampling = {}});
}

/// The gallery beside the program: `data/sample/start` of the checkout or of the installation.
std::filesystem::path find_starts() {
  std::error_code error;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", error);
  for (const char* place : {"../data/sample/start", "../share/microworld/start"}) {
    const auto folder = (program.parent_path() / place).lexically_normal();
    if (std::filesystem::is_directory(folder, error)) return folder;
  }
  return {};
}

/// The recorded clips beside the gallery, where they are: only a checkout has them.
std::filesystem::path find_clips(const std::filesystem::path& starts) {
  const std::filesystem::path folder = starts.parent_path();
  std::error_code error;
  return std::filesystem::exists(folder / "dataset.json", error) ? folder : "";
}

/// Where a player begins who was told nothing: a picture of the gallery shows more of a world than
/// one imagined from nothing.
void choose_first_start(serve::ServeConfig& config) {
  const std::filesystem::path picture = config.starts / "meadow.png";
  std::error_code ignored;
  if (config.starts.empty() || !std::filesystem::exists(picture, ignored)) return;
  config.first_start.image = video::read_image(picture);
}

void open_browser(const std::string& address) {
  std::string program = "xdg-open", argument = address;
  char* arguments[] = {program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (const int stream : {1, 2}) {
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", 1 /* O_WRONLY */, 0);
  }
  pid_t child = 0;
  // Without a browser the printed address has to do.
  if (posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments, environ) == 0) {
    std::thread([child] { waitpid(child, nullptr, 0); }).detach();
  }
  posix_spawn_file_actions_destroy(&actions);
}

}  // namespace

void add_serve_options(CLI::App& command, ServeOptions& options) {
  command.add_option("--model", options.model, "A model's folder or name")->capture_default_str();
  command.add_option("--dtype", options.dtype, "fp32, bf16, or auto: the faster one here")
      ->check(CLI::IsMember({"auto", "fp32", "bf16"}))
      ->capture_default_str();
  command.add_option("--port", options.config.port, "0 = any free one")->capture_default_str();
  command
      .add_option("--idle", options.config.idle_seconds,
                  "Seconds without a sign of the player, then the session ends")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  command.add_option("--record", options.record,
                     "A data set folder: every session becomes a clip in it");
  command.add_flag("--fake", options.use_fake, "A world without weights, to try the page");
}

void run_server(ServeOptions& options) {
  // Ended by a signal that one thread waits for; blocked in every other.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  use_world_threads();
  options.dtype = resolved_dtype(options.dtype);
  options.config.model = options.use_fake ? "fake" : options.model;
  options.config.dtype = options.dtype;
  options.config.starts = find_starts();
  options.config.clips_to_continue = find_clips(options.config.starts);
  if (!options.config.first_start.image && options.config.first_start.caption.empty()) {
    choose_first_start(options.config);
  }
  if (!options.record.empty()) options.config.record = user_path(options.record);
  serve::Server server(options.config, backends_of(options));
  std::printf("%s\n", server.address().c_str());
  std::fflush(stdout);
  if (options.use_browser) open_browser(server.address());
  std::thread watcher([&] {
    int signal = 0;
    sigwait(&signals, &signal);
    server.stop();
  });
  try {
    server.run();
  } catch (...) {
    pthread_kill(watcher.native_handle(), SIGTERM);
    watcher.join();
    throw;
  }
  watcher.join();
}

}  // namespace mw::app
