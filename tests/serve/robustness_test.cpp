// SPDX-License-Identifier: Apache-2.0
// Clients that are slow, wrong or many, over real sockets.
#include <algorithm>
#include <filesystem>
#include <iterator>

#include "tests/serve/loopback.h"

namespace mw::serve {
namespace {

using ::testing::HasSubstr;

size_t num_entries(const char* folder) {
  const std::filesystem::directory_iterator entries(folder);
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

class RobustnessTest : public ServerTest {
 protected:
  /// What the server still says to raw bytes until it hangs up.
  std::string answer_to(const std::string& bytes) {
    beast::tcp_stream stream = connect();
    beast::error_code error;
    asio::write(stream.socket(), asio::buffer(bytes), error);
    std::string answer;
    char part[4096];
    while (!error) {
      answer.append(part, stream.socket().read_some(asio::buffer(part), error));
    }
    return answer;
  }
  bool is_healthy() { return ask(http::verb::get, "/healthz").result_int() == 200; }
};

TEST_F(RobustnessTest, AByteAtATimeIsNoReasonToWaitLonger) {
  config_.read_seconds = 0.4;
  serve();
  beast::tcp_stream slow = connect();
  const auto begin = std::chrono::steady_clock::now();
  beast::error_code error;
  for (const char c : "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + std::string(200, 'x')) {
    asio::write(slow.socket(), asio::buffer(&c, 1), error);
    if (error) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  EXPECT_TRUE(error);  // The server hung up long before the 4 seconds that this takes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  EXPECT_TRUE(is_healthy());
}

TEST_F(RobustnessTest, LargeHeadersAndBodiesAreRefused) {
  config_.max_body_bytes = 1000;
  serve();
  const std::string host_line = "Host: " + host() + "\r\n";
  EXPECT_THAT(answer_to("GET /healthz HTTP/1.1\r\n" + host_line + "X: " + std::string(20000, 'x') +
                        "\r\n\r\n"),
              HasSubstr("431"));
  EXPECT_THAT(answer_to("POST /v1/sessions HTTP/1.1\r\n" + host_line +
                        "Content-Length: 99999999999\r\n\r\n"),
              HasSubstr("413"));
  EXPECT_THAT(answer_to("POST /v1/sessions HTTP/1.1\r\n" + host_line +
                        "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + std::string(2000, ' ') +
                        "\r\n0\r\n\r\n"),
              HasSubstr("413"));
  EXPECT_EQ(answer_to("this is no HTTP\r\n\r\n"), "");
  EXPECT_EQ(answer_to(std::string(1000, '\0')), "");
  EXPECT_TRUE(is_healthy());
}

TEST_F(RobustnessTest, DeepAndForeignJsonIsRefused) {
  serve();
  const auto post = http::verb::post;
  const auto deep = ask(post, "/v1/sessions", std::string(1'000'000, '['));
  EXPECT_EQ(deep.result_int(), 400U);
  EXPECT_THAT(deep.body(), HasSubstr("nested too deep"));
  EXPECT_EQ(ask(post, "/v1/sessions", R"({"start":{"seed":"x"}})").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/sessions", R"({"start":7})").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/sessions", "[]").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/generate", "{}").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/generate", R"({"actions":"jump"})").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/generate", R"({"actions":"w*999999"})").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/generate", R"({"actions":"w","frames":0})").result_int(), 400U);
  EXPECT_TRUE(is_healthy());
}

TEST_F(RobustnessTest, NumbersThatWouldBecomeOthersAreRefused) {
  serve();
  const auto post = http::verb::post;
  for (const std::string number : {"-1", "1.5", "1e300", "null", "true", "18446744073709551616"}) {
    const std::string seed = "\"seed\":" + number, frames = "\"frames\":" + number;
    EXPECT_EQ(ask(post, "/v1/sessions", "{\"start\":{" + seed + "}}").result_int(), 400U) << number;
    EXPECT_EQ(ask(post, "/v1/generate", "{\"actions\":\"w\"," + seed + "}").result_int(), 400U);
    EXPECT_EQ(ask(post, "/v1/generate", "{\"actions\":\"w\"," + frames + "}").result_int(), 400U);
  }
  EXPECT_EQ(ask(post, "/v1/sessions", R"({"start":{"seed":18446744073709551615}})").result_int(),
            201U);
}

TEST_F(RobustnessTest, TextThatIsNoUtf8IsRefused) {
  serve();
  const auto post = http::verb::post;
  EXPECT_EQ(ask(post, "/v1/sessions", "{\"start\":\"\xff\"}").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/sessions", "\xff\xfe").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/generate", "{\"actions\":\"\xc3*3\"}").result_int(), 400U);
  EXPECT_THAT(answer_to("GET /\xff HTTP/1.1\r\nHost: " + host() + "\r\nConnection: close\r\n\r\n"),
              HasSubstr("404"));
  EXPECT_TRUE(is_healthy());
}

TEST_F(RobustnessTest, StreamsOfForeignPagesAndWrongTokensDoNotOpen) {
  config_.token = "correct-horse-battery";
  serve();
  const auto response = ask(http::verb::post, "/v1/sessions?token=correct-horse-battery");
  const nlohmann::json session = nlohmann::json::parse(response.body());
  const std::string id = session.at("id"), ws = session.at("ws");
  const auto status_of = [&](const std::string& target, const std::string& origin) {
    std::vector<std::pair<http::field, std::string>> fields = {
        {http::field::upgrade, "websocket"},
        {http::field::connection, "Upgrade"},
        {http::field::sec_websocket_key, "dGhlIHNhbXBsZSBub25jZQ=="},
        {http::field::sec_websocket_version, "13"}};
    if (!origin.empty()) fields.emplace_back(http::field::origin, origin);
    return ask(http::verb::get, target, "", fields).result_int();
  };
  EXPECT_EQ(status_of(ws, "http://evil.example"), 403U);
  EXPECT_EQ(status_of(ws, "null"), 403U);
  EXPECT_EQ(status_of("/v1/sessions/" + id + "/stream", ""), 401U);
  EXPECT_EQ(status_of("/v1/sessions/" + id + "/stream?token=correct-horse-battery", ""), 401U);
  EXPECT_EQ(status_of("/v1/sessions/0123/stream?token=x", ""), 404U);
  EXPECT_EQ(status_of(ws, "http://" + host()), 101U);
  EXPECT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 401U);
  EXPECT_EQ(ask(http::verb::get, "/metrics").result_int(), 401U);
  EXPECT_EQ(ask(http::verb::post, "/v1/generate", R"({"actions":"w"})").result_int(), 401U);
}

TEST_F(RobustnessTest, EachMalformedMessageClosesItsOwnStreamOnly) {
  serve();
  const nlohmann::json victim = new_session(1), attacked = new_session(2);
  Client good(connect(), host(), victim.at("ws"));
  good.frame();
  std::vector<std::vector<std::byte>> bad = {{}, {std::byte{0}}, {std::byte{0x81}}};
  const std::vector<std::byte> action = pack_client_message(ActionMessage{});
  bad.emplace_back(action.begin(), action.end() - 1);
  bad.push_back(action);
  bad.back().push_back(std::byte{0});
  bad.push_back(action);
  bad.back()[1] = std::byte{0x80};  // An eighth key.
  bad.push_back(action);
  std::fill(bad.back().begin() + 8, bad.back().begin() + 12, std::byte{0xff});  // Not a number.
  bad.push_back(pack_client_message(ControlMessage{}));
  bad.back()[1] = std::byte{9};
  for (const std::vector<std::byte>& message : bad) {
    Client client(connect(), host(), attacked.at("ws"));
    client.socket().write(asio::buffer(message));
    EXPECT_THAT(client.wait_closed(), HasSubstr("message")) << message.size();
  }
  Client talker(connect(), host(), attacked.at("ws"));
  talker.socket().text(true);
  talker.socket().write(asio::buffer(std::string("hello")));
  EXPECT_THAT(talker.wait_closed(), HasSubstr("wanted a binary one"));
  const uint32_t number = good.frame().frame;
  EXPECT_GT(good.frame().frame, number);
}

TEST_F(RobustnessTest, ClientsThatComeAndGoLeaveNothing) {
  config_.max_sessions = 1;
  serve();
  size_t files = 0, threads = 0;
  for (int i = 0; i < 200; ++i) {
    const nlohmann::json session = new_session();
    {
      Client client(connect(), host(), session.at("ws"));
      client.frame();
    }  // Gone without a word,
    const std::string id = session.at("id");
    if (i % 2 == 0) {  // now and then while a video of it is made.
      ask(http::verb::get, "/v1/sessions/" + id + "/recording.mp4");
    }
    ASSERT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 204U);
    if (i == 20) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200));
      files = num_entries("/proc/self/fd");
      threads = num_entries("/proc/self/task");
    }
  }
  EXPECT_THAT(ask(http::verb::get, "/metrics").body(), HasSubstr("mw_sessions 0\n"));
  for (int i = 0; i < 100 && num_entries("/proc/self/fd") > files; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // Closing takes a moment.
  }
  EXPECT_LE(num_entries("/proc/self/fd"), files);
  EXPECT_LE(num_entries("/proc/self/task"), threads);
}

TEST_F(RobustnessTest, EightClientsOnFourPlaces) {
  config_.max_sessions = 4;
  serve();
  std::vector<std::unique_ptr<Client>> playing;
  int refused = 0;
  for (int i = 0; i < 8; ++i) {
    const auto response = ask(http::verb::post, "/v1/sessions");
    if (response.result_int() == 503) {
      EXPECT_THAT(response.body(), HasSubstr("full: 4 sessions are being played"));
      ++refused;
      continue;
    }
    ASSERT_EQ(response.result_int(), 201U);
    const nlohmann::json session = nlohmann::json::parse(response.body());
    playing.push_back(std::make_unique<Client>(connect(), host(), session.at("ws")));
  }
  EXPECT_EQ(refused, 4);
  ASSERT_EQ(playing.size(), 4U);
  for (uint32_t seq = 1; seq <= 3; ++seq) {
    for (const auto& client : playing) client->press_d(seq);
    for (const auto& client : playing) {
      while (client->frame().seq != seq) {
      }
    }
  }
}

TEST_F(RobustnessTest, MoreConnectionsThanAllowedAreDropped) {
  config_.max_connections = 3;
  serve();
  std::vector<beast::tcp_stream> held;
  for (int i = 0; i < 3; ++i) held.push_back(connect());
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(answer_to("GET /healthz HTTP/1.1\r\nHost: " + host() + "\r\n\r\n"), "");
  held.clear();
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_TRUE(is_healthy());
}

TEST_F(RobustnessTest, TheServerStopsInTheMiddleOfEverything) {
  fps_ = 1000;
  config_.max_clip_frames = 1'000'000;
  serve();
  const nlohmann::json session = new_session();
  Client client(connect(), host(), session.at("ws"));
  client.frame();
  ask(http::verb::post, "/v1/generate", R"({"actions":"w","frames":1000000})");
  ask(http::verb::post, "/v1/generate", R"({"actions":"w","frames":1000000})");
  beast::tcp_stream waiting = connect();
  asio::write(waiting.socket(),
              asio::buffer("GET /v1/sessions/" + std::string(session.at("id")) +
                           "/recording.mp4 HTTP/1.1\r\nHost: " + host() + "\r\n\r\n"));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const auto begin = std::chrono::steady_clock::now();
  stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace mw::serve
