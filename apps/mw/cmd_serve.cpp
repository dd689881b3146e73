// SPDX-License-Identifier: Apache-2.0
// mw serve: worlds for other programs and other machines.
#include <algorithm>
#include <fstream>
#include <memory>
#include <string>

#include "apps/mw/commands.h"
#include "apps/mw/serve_run.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"

namespace mw::app {
namespace {

struct ServeCommand {
  ServeOptions serve;
  std::string token_file;
};

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
