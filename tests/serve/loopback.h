// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mw/engine/fake_backend.h"
#include "mw/serve/protocol.h"
#include "mw/serve/server.h"

namespace mw::serve {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

/// A real server on a free loopback port, over stripes.
class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    config_.port = 0;
    config_.max_sessions = 2;
  }
  ~ServerTest() override { stop(); }

  void serve() {
    server_ = std::make_unique<Server>(
        config_, [fps = fps_] { return std::make_unique<engine::FakeBackend>(48, 32, fps); });
    thread_ = std::thread([this] { server_->run(); });
  }
  void stop() {
    if (!thread_.joinable()) return;
    server_->stop();
    thread_.join();
    server_.reset();
  }
  std::string host() const { return "127.0.0.1:" + std::to_string(server_->port()); }
  beast::tcp_stream connect() {
    beast::tcp_stream stream(context_);
    stream.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
    return stream;
  }
  http::response<http::string_body> ask(
      http::verb verb, const std::string& target, const std::string& body = "",
      const std::vector<std::pair<http::field, std::string>>& fields = {}) {
    beast::tcp_stream stream = connect();
    http::request<http::string_body> request(verb, target, 11);
    request.set(http::field::host, host());
    for (const auto& [field, value] : fields) request.set(field, value);
    request.body() = body;
    request.prepare_payload();
    beast::error_code ignored;  // A refusal may come before the body went.
    http::write(stream, request, ignored);
    beast::flat_buffer buffer;
    http::response<http::string_body> response;
    http::read(stream, buffer, response);
    return response;
  }
  nlohmann::json new_session(int seed = 1) {
    const auto response = ask(http::verb::post, "/v1/sessions",
                              R"({"start":{"image":null,"seed":)" + std::to_string(seed) + "}}");
    EXPECT_EQ(response.result_int(), 201U) << response.body();
    return nlohmann::json::parse(response.body());
  }

  /// The status of a clip when it is over, waited for.
  nlohmann::json wait_clip(const std::string& id) {
    for (int i = 0; i < 600; ++i) {
      const auto status = nlohmann::json::parse(ask(http::verb::get, "/v1/generate/" + id).body());
      if (status.at("status") != "queued" && status.at("status") != "running") return status;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ADD_FAILURE() << "the clip never ends";
    return {};
  }

  ServeConfig config_;
  double fps_ = 100;
  asio::io_context context_;
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

/// A client of a stream.
class Client {
 public:
  Client(beast::tcp_stream stream, const std::string& host, const std::string& target)
      : socket_(std::move(stream)) {
    socket_.handshake(host, target);
    socket_.binary(true);
  }
  void send(const ClientMessage& message) {
    socket_.write(asio::buffer(pack_client_message(message)));
  }
  void press_d(uint32_t seq) {
    ActionMessage message;
    message.action.keys[static_cast<size_t>(action::Key::kD)] = 1;
    message.seq = seq;
    message.client_ms = 0.5 + seq;
    send(message);
  }
  /// The next frame, acknowledged; events are passed over.
  FrameMessage frame(bool acknowledge = true) {
    for (;;) {
      beast::flat_buffer buffer;
      socket_.read(buffer);
      const auto data = buffer.cdata();
      const std::span bytes(static_cast<const std::byte*>(data.data()), data.size());
      if (bytes[0] != std::byte{0x81}) continue;
      FrameMessage frame = parse_frame(bytes);
      if (acknowledge) send(AckMessage{frame.frame});
      return frame;
    }
  }
  /// Reads until the server closes; its reason.
  std::string wait_closed() {
    beast::error_code error;
    while (!error) {
      beast::flat_buffer buffer;
      socket_.read(buffer, error);
    }
    const auto reason = socket_.reason().reason;
    return {reason.data(), reason.size()};
  }
  beast::websocket::stream<beast::tcp_stream>& socket() { return socket_; }

 private:
  beast::websocket::stream<beast::tcp_stream> socket_;
};

}  // namespace mw::serve
