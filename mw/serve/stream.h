// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <memory>

#include "mw/serve/connection.h"
#include "mw/serve/players.h"

namespace mw::serve {

/// Accepts the WebSocket that `request` asks for and plays `player` over it until either ends. At
/// most two frames are unacknowledged at a time; later ones wait as the newest alone. A malformed
/// message ends the stream. Keeps itself alive.
void serve_stream(boost::asio::ip::tcp::socket socket,
                  const boost::beast::http::request<boost::beast::http::string_body>& request,
                  std::shared_ptr<Player> player, Hub& hub);

}  // namespace mw::serve
