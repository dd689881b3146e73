// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "mw/serve/api.h"

namespace mw::app {

/// What `mw play` and `mw serve` have in common.
struct ServeOptions {
  serve::ServeConfig config;
  std::string model = "overworld", dtype = "auto";
  std::string record;        ///< Data set that sessions become clips of; empty for none.
  bool use_fake = false;     ///< Stripes instead of a model.
  bool use_browser = false;  ///< Open the page in one.
};

/// Adds the options of the worlds and of the port.
void add_serve_options(CLI::App& command, ServeOptions& options);

/// Loads the model, prints the page's address and serves until Ctrl-C.
void run_server(ServeOptions& options);

}  // namespace mw::app
