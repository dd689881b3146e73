// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/server.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>

#include "mw/core/error.h"
#include "mw/serve/connection.h"

namespace mw::serve {
namespace {

using boost::asio::ip::tcp;

tcp::endpoint endpoint_of(const ServeConfig& config) {
  boost::system::error_code error;
  const std::string host = config.host == "localhost" ? "127.0.0.1" : config.host;
  const auto address = boost::asio::ip::make_address(host, error);
  if (error) {
    throw Error(ErrorCode::kConfig,
                "serve: host must be an address such as 127.0.0.1, got " + quote_text(config.host));
  }
  if (!address.is_loopback() && config.token.empty()) {
    throw Error(ErrorCode::kConfig,
                "serve: " + config.host + " is open to other machines: a token is needed");
  }
  return {address, config.port};
}

std::shared_ptr<PlayRecorder> make_recorder(const ServeConfig& config,
                                            const engine::SessionBackend& world) {
  return std::make_shared<PlayRecorder>(
      config.record,
      data::DatasetInfo{
          .name = "play",
          .fps = world.fps(),
          .width = world.width(),
          .height = world.height(),
          .license = "LicenseRef-of-the-model",
          .made_by = {{"program", "mw play"}, {"model", config.model}, {"dtype", config.dtype}}});
}

}  // namespace

struct Server::Impl {
  Impl(const ServeConfig& from, engine::BackendFactory backends)
      : config(from), players(std::move(backends), from.max_sessions, from.video_bytes) {
    if (!config.record.empty()) players.record_to(make_recorder(config, *players.example()));
    const tcp::endpoint endpoint = endpoint_of(config);
    boost::system::error_code error;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(boost::asio::socket_base::max_listen_connections, error);
    if (error) {
      throw Error(ErrorCode::kIo,
                  concat_message("serve: can't listen at ", config.host, ":", config.port, ": ",
                                 error.message(), "; another --port may be free"));
    }
  }

  void accept() {
    acceptor.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      // Beyond the limit a client is dropped at once; one that is served is never disturbed.
      if (!error && hub.num_connections < config.max_connections) {
        serve_connection(std::move(socket), hub);
      }
      if (error == boost::asio::error::operation_aborted) return;
      if (!error) {
        accept();
        return;
      }
      // Out of descriptors, most likely: a pause lets some go.
      retry.expires_after(std::chrono::milliseconds(100));
      retry.async_wait([this](boost::system::error_code stopped) {
        if (!stopped) accept();
      });
    });
  }

  void watch_idle() {
    idle.expires_after(std::chrono::milliseconds(
        static_cast<int64_t>(1000 * std::min(1.0, config.idle_seconds / 2))));
    idle.async_wait([this](boost::system::error_code stopped) {
      if (stopped) return;
      players.remove_idle(config.idle_seconds);
      watch_idle();
    });
  }

  const ServeConfig config;
  // Streams hold their players, and the io_context holds the streams' handlers: it goes first.
  Players players;
  Api api{config, players};
  Hub hub{config, api, 0};
  boost::asio::io_context context{1};
  tcp::acceptor acceptor{context};
  boost::asio::steady_timer idle{context}, retry{context};
};

Server::Server(const ServeConfig& config, engine::BackendFactory backends)
    : impl_(std::make_unique<Impl>(config, std::move(backends))) {}
Server::~Server() = default;

uint16_t Server::port() const { return impl_->acceptor.local_endpoint().port(); }

std::string Server::address() const {
  const std::string& host = impl_->config.host;
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  const std::string& token = impl_->config.token;
  return "http://" + shown + ":" + std::to_string(port()) + "/" +
         (token.empty() ? "" : "?token=" + token);
}

void Server::run() {
  impl_->accept();
  impl_->watch_idle();
  impl_->context.run();
}

void Server::stop() { impl_->context.stop(); }

}  // namespace mw::serve
