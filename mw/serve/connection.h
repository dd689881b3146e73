// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <cstddef>

#include "mw/serve/api.h"

namespace mw::serve {

/// What the connections of a server share. Used on the server's thread alone.
struct Hub {
  const ServeConfig& config;
  Api& api;
  size_t num_connections = 0;
};

/// Answers the requests of one connection, one after another, until it ends, is too slow or becomes
/// a stream. Keeps itself alive; `hub` must outlive the io_context's work.
void serve_connection(boost::asio::ip::tcp::socket socket, Hub& hub);

}  // namespace mw::serve
