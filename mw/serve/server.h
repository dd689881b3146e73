// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "mw/engine/session_backend.h"
#include "mw/serve/api.h"

namespace mw::serve {

/// HTTP and WebSocket over worlds; docs/protocol.md has the messages.
class Server {
 public:
  /// Binds and listens. Throws Error kIo when the address can't be had, kConfig when it is open to
  /// other machines without a token.
  Server(const ServeConfig& config, engine::BackendFactory backends);
  ~Server();

  /// The port that was bound.
  uint16_t port() const;
  /// The page's address, with the token if there is one.
  std::string address() const;

  /// Serves until `stop`, on the calling thread; worlds have threads of their own.
  void run();
  /// Ends `run`. From any thread.
  void stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mw::serve
