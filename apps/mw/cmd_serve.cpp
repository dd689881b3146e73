// SPDX-License-Identifier: Apache-2.0
// mw serve: worlds for other programs and other machines.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "apps/mw/commands.h"
#include "apps/mw/serve_run.h"
#include "mw/core/config.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"

namespace mw::app {
namespace {

struct ServeCommand {
  ServeOptions serve;
  std::string token_file;
};

/// What a file may set: the options under their own names.
struct ServeFile {
  std::string model, dtype, host, token_file, record;
  int64_t port = 0, max_sessions = 0;
  double idle = 0;
  bool fake = false;

  template <class Visitor>
  void visit(Visitor& field) {
    field("model", model, "A model's folder or name.");
    field("dtype", dtype, "fp32, bf16, or auto: the faster one here.");
    field("host", host, "Address to listen at.");
    field("port", port, "0 = any free one.");
    field("max_sessions", max_sessions, "Sessions at a time.");
    field("token_file", token_file, "A file with the token that clients must show.");
    field("idle", idle, "Seconds without a sign of the player, then the session ends.");
    field("record", record, "A data set folder: every session becomes a clip in it.");
    field("fake", fake, "A world without weights.");
  }
};

void check_setting(bool is_good, const char* key, const char* wanted) {
  if (!is_good) {
    throw Error(ErrorCode::kConfig, concat_message("config: '", key, "': wanted ", wanted));
  }
}

/// Sets what the file has; options on the command line come after it.
void read_config(const std::string& name, ServeCommand& command) {
  ServeOptions& options = command.serve;
  serve::ServeConfig& config = options.config;
  ServeFile file{.model = options.model,
                 .dtype = options.dtype,
                 .host = config.host,
                 .token_file = command.token_file,
                 .record = options.record,
                 .port = config.port,
                 .max_sessions = static_cast<int64_t>(config.max_sessions),
                 .idle = config.idle_seconds,
                 .fake = options.use_fake};
  ConfigSource::from_file(user_path(name)).apply_to(file);
  check_setting(file.dtype == "auto" || file.dtype == "fp32" || file.dtype == "bf16", "dtype",
                "auto, fp32 or bf16");
  check_setting(file.port >= 0 && file.port <= 65535, "port", "0 to 65535");
  check_setting(file.max_sessions >= 1 && file.max_sessions <= 1000, "max_sessions", "1 to 1000");
  check_setting(file.idle >= 1 && file.idle <= 1e6, "idle", "1 to 1000000");
  options.model = file.model;
  options.dtype = file.dtype;
  options.record = file.record;
  options.use_fake = file.fake;
  config.host = file.host;
  config.port = static_cast<uint16_t>(file.port);
  config.max_sessions = static_cast<size_t>(file.max_sessions);
  config.idle_seconds = file.idle;
  command.token_file = file.token_file;
}

std::string read_token(const std::string& name) {
  std::ifstream in(user_path(name));
  std::string token;
  in >> token;
  constexpr size_t kShortest = 16;
  const bool is_plain = std::all_of(token.begin(), token.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_';
  });
  if (token.size() < kShortest || !is_plain) {
    throw Error(ErrorCode::kConfig,
                "serve: --token-file '" + name + "': wanted 16 or more letters, digits, - or _");
  }
  return token;
}

}  // namespace

void add_serve(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("serve", "Serve worlds over HTTP and WebSocket");
  auto options = std::make_shared<ServeCommand>();
  serve::ServeConfig& config = options->serve.config;
  // The first option: what stands beside it on the command line is read after it.
  command->add_option_function<std::string>(
      "--config", [options](const std::string& name) { read_config(name, *options); },
      "A TOML file with these options: max_sessions = 2");
  add_serve_options(*command, options->serve);
  command->add_option("--host", config.host, "Address to listen at")->capture_default_str();
  command->add_option("--max-sessions", config.max_sessions, "Sessions at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("--token-file", options->token_file,
                      "A file with the token that clients must show");
  command->callback([options] {
    if (!options->token_file.empty()) {
      options->serve.config.token = read_token(options->token_file);
    }
    run_server(options->serve);
  });
  command->footer("Example:\n  mw serve --port 8080 --max-sessions 2");
}

}  // namespace mw::app
