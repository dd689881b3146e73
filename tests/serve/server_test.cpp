// SPDX-License-Identifier: Apache-2.0
// A real server on a free loopback port, and real clients.
#include "mw/serve/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <nlohmann/json.hpp>
#include <thread>

#include "mw/engine/fake_backend.h"
#include "mw/engine/recording.h"
#include "mw/serve/protocol.h"
#include "mw/video/image_file.h"
#include "tests/support/expect_error.h"

namespace mw::serve {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using ::testing::HasSubstr;

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    config_.port = 0;
    config_.max_sessions = 2;
  }
  ~ServerTest() override { stop(); }

  void serve() {
    server_ = std::make_unique<Server>(
        config_, [] { return std::make_unique<engine::FakeBackend>(48, 32, 100); });
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

  ServeConfig config_;
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

TEST_F(ServerTest, APressedKeyComesBackWithAFrame) {
  serve();
  const nlohmann::json session = new_session();
  EXPECT_EQ(session.at("width"), 48);
  Client client(connect(), host(), session.at("ws"));
  const FrameMessage first = client.frame();
  EXPECT_TRUE(first.is_jump);
  EXPECT_EQ(video::decode_image(first.jpeg, "frame").width, 48);
  client.press_d(7);
  uint32_t last = first.frame;
  for (int i = 0; i < 200; ++i) {
    const FrameMessage frame = client.frame();
    ASSERT_GT(frame.frame, last);
    last = frame.frame;
    if (frame.seq != 7) continue;
    EXPECT_TRUE(frame.action.is_pressed(action::Key::kD));
    EXPECT_EQ(frame.client_ms, 7.5);
    return;
  }
  FAIL() << "the key never came back";
}

TEST_F(ServerTest, SessionsAreApartAndLimited) {
  serve();
  const nlohmann::json one = new_session(1), two = new_session(2);
  Client a(connect(), host(), one.at("ws")), b(connect(), host(), two.at("ws"));
  EXPECT_NE(a.frame().jpeg, b.frame().jpeg);
  a.press_d(1);
  for (int i = 0; i < 20; ++i) {
    a.frame();
    EXPECT_FALSE(b.frame().action.is_pressed(action::Key::kD));
  }
  const auto full = ask(http::verb::post, "/v1/sessions");
  EXPECT_EQ(full.result_int(), 503U);
  EXPECT_THAT(full.body(), HasSubstr("full: 2 sessions"));
  EXPECT_THAT(ask(http::verb::get, "/metrics").body(), HasSubstr("mw_sessions 2\n"));
  const std::string id = one.at("id");
  EXPECT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 204U);
  EXPECT_EQ(a.wait_closed(), "the session is over");
  EXPECT_EQ(ask(http::verb::get, "/v1/sessions/" + id).result_int(), 404U);
  new_session(3);
}

TEST_F(ServerTest, ASlowClientGetsNewerFramesNotMoreOfThem) {
  serve();
  Client client(connect(), host(), new_session().at("ws"));
  client.frame(false);
  const uint32_t second = client.frame(false).frame;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // About 30 frames go by.
  client.send(AckMessage{second});
  EXPECT_GT(client.frame().frame, second + 10);
}

TEST_F(ServerTest, ARecordingHoldsTheStartAndEveryAction) {
  serve();
  const nlohmann::json session = new_session(9);
  Client client(connect(), host(), session.at("ws"));
  client.press_d(1);
  while (client.frame().seq != 1) {
  }
  client.send(ControlMessage{ControlMessage::Op::kPause, 0});
  const std::string id = session.at("id");
  const auto text = ask(http::verb::get, "/v1/sessions/" + id + "/recording.jsonl").body();
  const engine::Recording recording = engine::parse_recording(text);
  EXPECT_EQ(recording.start.seed, 9U);
  EXPECT_TRUE(recording.actions.rows().back().is_pressed(action::Key::kD));
  EXPECT_EQ(ask(http::verb::post, "/v1/sessions/" + id + "/undo", R"({"seconds":1})").result_int(),
            202U);
  while (!client.frame().is_jump) {
  }
}

TEST_F(ServerTest, BadMessagesCostTheirOwnConnectionOnly) {
  serve();
  const nlohmann::json one = new_session(1), two = new_session(2);
  Client bad(connect(), host(), one.at("ws")), good(connect(), host(), two.at("ws"));
  bad.socket().write(asio::buffer(std::string("\x7f nonsense")));
  EXPECT_THAT(bad.wait_closed(), HasSubstr("unknown type"));
  Client large(connect(), host(), one.at("ws"));  // The session is still there.
  beast::error_code ignored;                      // The server may hang up before all of it went.
  large.socket().write(asio::buffer(std::string(100'000, 'x')), ignored);
  large.wait_closed();
  const uint32_t number = good.frame().frame;
  EXPECT_GT(good.frame().frame, number);
}

TEST_F(ServerTest, RequestsOutOfBoundsAreRefused) {
  config_.max_body_bytes = 1000;
  serve();
  const auto post = http::verb::post, get = http::verb::get;
  EXPECT_EQ(ask(post, "/v1/sessions", std::string(5000, ' ')).result_int(), 413U);
  EXPECT_EQ(ask(post, "/v1/sessions", "{").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/sessions", R"({"start":{"image":"../../etc"}})").result_int(), 400U);
  EXPECT_EQ(
      ask(post, "/v1/sessions", R"({"start":{"image":"data:image/png;base64,AAAA"}})").result_int(),
      400U);
  EXPECT_EQ(
      ask(post, "/v1/sessions", "", {{http::field::origin, "http://evil.example"}}).result_int(),
      403U);
  EXPECT_EQ(ask(get, "/healthz", "", {{http::field::host, "evil.example"}}).result_int(), 403U);
  EXPECT_EQ(ask(get, "/v1/starts/..%2f.png").result_int(), 404U);
  EXPECT_EQ(ask(get, "/healthz").result_int(), 200U);
  EXPECT_THAT(ask(get, "/v1/models").body(), HasSubstr("\"fps\":100"));
  const nlohmann::json session = new_session();
  const std::string id = session.at("id");
  EXPECT_THROW(Client(connect(), host(), "/v1/sessions/" + id + "/stream?token=guess"),
               beast::system_error);
}

TEST_F(ServerTest, SlowRequestsAndIdleSessionsEnd) {
  config_.read_seconds = 0.2;
  config_.idle_seconds = 0.5;
  serve();
  beast::tcp_stream slow = connect();
  asio::write(slow.socket(), asio::buffer(std::string("GET / HT")));
  char byte = 0;
  beast::error_code error;
  slow.socket().read_some(asio::buffer(&byte, 1), error);  // Returns when the server hangs up.
  EXPECT_TRUE(error);
  Client client(connect(), host(), new_session().at("ws"));
  EXPECT_EQ(client.wait_closed(), "the session is over");  // It never acknowledged.
  EXPECT_THAT(ask(http::verb::get, "/healthz").body(), HasSubstr("\"sessions\":0"));
}

TEST_F(ServerTest, OpenAddressesWantAToken) {
  config_.host = "0.0.0.0";
  EXPECT_ERROR(serve(), ErrorCode::kConfig, "token is needed");
  config_.host = "127.0.0.1";
  config_.token = "correct-horse-battery";
  serve();
  EXPECT_EQ(ask(http::verb::get, "/v1/models").result_int(), 401U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models?token=wrong").result_int(), 401U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models?token=correct-horse-battery").result_int(), 200U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models", "",
                {{http::field::authorization, "Bearer correct-horse-battery"}})
                .result_int(),
            200U);
}

TEST_F(ServerTest, ClientsThatComeAndGoLeaveNothing) {
  config_.max_sessions = 1;
  serve();
  for (int i = 0; i < 50; ++i) {
    const nlohmann::json session = new_session();
    Client client(connect(), host(), session.at("ws"));
    client.frame();
    const std::string id = session.at("id");
    ASSERT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 204U);
  }
}

}  // namespace
}  // namespace mw::serve
