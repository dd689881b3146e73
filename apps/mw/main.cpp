// SPDX-License-Identifier: Apache-2.0
// The table of commands. Each cmd_<name>.cpp adds its options and does its work; here errors become
// one line on stderr and an exit status: 0 done, 1 the user's input or files, 2 a bug, 3 the
// device.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/mw/command.h"
#include "apps/mw/commands.h"
#include "apps/mw/commit.h"
#include "mw/core/error.h"

namespace {

/// What was wrong with the command line.
std::string message_of(const CLI::App* command, const CLI::Error& error) {
  const std::vector<std::string> rest = command->remaining(true);
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  if (command->get_require_subcommand_min() > 0 && !rest.empty()) {
    return "unknown command " + mw::quote_text(rest.front());
  }
  return error.what();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("microworld: play, render, record, train and evaluate action-controlled worlds",
               "mw");
  app.set_version_flag("--version", std::string("mw " MW_VERSION ", commit ") + mw::app::commit());
  app.require_subcommand(1);
  app.failure_message([](const CLI::App* root, const CLI::Error& error) {
    return "error: " + message_of(root, error) + "; see --help\n";
  });
  for (const mw::app::AddCommand add : mw::app::commands()) add(app);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 1;
  } catch (const mw::Error& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
    return mw::exit_status(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    std::fprintf(stderr, "error: '%s': %s\n", error.path1().c_str(),
                 error.code().message().c_str());
    return 1;
  } catch (const std::exception& error) {
    const std::string message = error.what();  // libtorch's are followed by its call stack.
    std::fprintf(stderr, "error: internal: %s\n", message.substr(0, message.find('\n')).c_str());
    return 2;
  }
}
