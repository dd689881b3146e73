// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/connection.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <utility>

#include "mw/serve/stream.h"

namespace mw::serve {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr uint32_t kMaxHeaderBytes = 16 << 10;
constexpr std::chrono::seconds kSendTime(30);  // For an answer; for each part of a file.
constexpr std::chrono::milliseconds kAskAgain(50);

std::string text_of(beast::string_view view) { return {view.data(), view.size()}; }

ApiRequest to_api(const http::request<http::string_body>& request) {
  ApiRequest api;
  const std::string target = text_of(request.target());
  const size_t mark = std::min(target.find('?'), target.size());
  api.method = text_of(request.method_string());
  api.path = target.substr(0, mark);
  api.query = target.substr(std::min(mark + 1, target.size()));
  api.host = text_of(request[http::field::host]);
  api.origin = text_of(request[http::field::origin]);
  api.authorization = text_of(request[http::field::authorization]);
  api.body = request.body();
  return api;
}

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(boost::asio::ip::tcp::socket socket, Hub& hub)
      : stream_(std::move(socket)), hub_(hub), timer_(stream_.get_executor()) {
    ++hub_.num_connections;
  }
  ~Connection() { --hub_.num_connections; }

  void read() {
    parser_.emplace();
    parser_->header_limit(kMaxHeaderBytes);
    parser_->body_limit(hub_.config.max_body_bytes);
    // For the whole request, so that a client can't hold a place by sending a byte at a time.
    stream_.expires_after(
        std::chrono::milliseconds(static_cast<int64_t>(1000 * hub_.config.read_seconds)));
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code error, size_t) { self->on_read(error); });
  }

 private:
  void on_read(beast::error_code error) {
    if (error == http::error::body_limit) {
      send({.status = 413, .type = "application/json", .body = "{\"error\":\"body: too large\"}\n"},
           false);
    } else if (error == http::error::header_limit) {
      send({.status = 431,
            .type = "application/json",
            .body = "{\"error\":\"header: too large\"}\n"},
           false);
    } else if (!error) {
      respond();
    }  // Else the client is gone, too slow, or speaks something else: the connection ends here.
  }

  void respond() {
    const auto& request = parser_->get();
    const ApiRequest api = to_api(request);
    if (!beast::websocket::is_upgrade(request)) {
      send(hub_.api.answer(api), request.keep_alive());
      return;
    }
    ApiResponse refusal;
    const std::shared_ptr<Player> player = hub_.api.stream_player(api, refusal);
    if (player == nullptr) {
      send(refusal, false);
      return;
    }
    stream_.expires_never();  // The stream keeps time itself.
    serve_stream(stream_.release_socket(), parser_->release(), player, hub_);
  }

  void send(const ApiResponse& answer, bool keep_alive) {
    if (answer.later) {
      send_later(answer.later, keep_alive);
      return;
    }
    if (answer.file != nullptr) {
      send_file(answer, keep_alive);
      return;
    }
    response_ = {static_cast<http::status>(answer.status), 11};
    response_.body() = answer.body;
    fill(response_, answer, keep_alive);
    if (is_head()) response_.body().clear();
    stream_.expires_after(kSendTime);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep_alive](beast::error_code error, size_t) {
                        self->on_sent(error, keep_alive);
                      });
  }

  bool is_head() const { return parser_->get().method() == http::verb::head; }

  template <class Body>
  static void fill(http::response<Body>& response, const ApiResponse& answer, bool keep_alive) {
    if (!answer.type.empty()) response.set(http::field::content_type, answer.type);
    response.set(http::field::cache_control, "no-store");
    response.set("X-Content-Type-Options", "nosniff");
    response.set("Referrer-Policy", "no-referrer");
    response.keep_alive(keep_alive);
    response.prepare_payload();
  }

  /// Asks until there is an answer. The client may wait: what it waits for is bounded.
  void send_later(const std::function<std::optional<ApiResponse>()>& later, bool keep_alive) {
    if (const std::optional<ApiResponse> answer = later()) {
      send(*answer, keep_alive);
      return;
    }
    stream_.expires_never();
    timer_.expires_after(kAskAgain);
    timer_.async_wait([self = shared_from_this(), later, keep_alive](beast::error_code error) {
      if (!error) self->send_later(later, keep_alive);
    });
  }

  void send_file(const ApiResponse& answer, bool keep_alive) {
    file_ = answer.file;
    file_response_ = {static_cast<http::status>(answer.status), 11};
    beast::error_code error;
    file_response_.body().open(file_->path().c_str(), beast::file_mode::scan, error);
    if (error) {
      send(
          {.status = 500, .type = "application/json", .body = "{\"error\":\"the file is gone\"}\n"},
          keep_alive);
      return;
    }
    fill(file_response_, answer, keep_alive);
    serializer_.emplace(file_response_);
    if (is_head()) serializer_->split(true);
    send_part(keep_alive);
  }

  /// A part at a time, so that a slow client has time for each of them.
  void send_part(bool keep_alive) {
    stream_.expires_after(kSendTime);
    http::async_write_some(
        stream_, *serializer_,
        [self = shared_from_this(), keep_alive](beast::error_code error, size_t) {
          const bool is_done = self->serializer_->is_done() ||
                               (self->is_head() && self->serializer_->is_header_done());
          if (!error && !is_done) {
            self->send_part(keep_alive);
            return;
          }
          self->serializer_.reset();
          self->file_response_ = {};
          self->file_ = nullptr;
          self->on_sent(error, keep_alive);
        });
  }

  void on_sent(beast::error_code error, bool keep_alive) {
    if (error) return;
    if (keep_alive) {
      read();
    } else {
      beast::error_code ignored;
      stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    }
  }

  beast::tcp_stream stream_;
  Hub& hub_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  boost::asio::steady_timer timer_;
  http::response<http::string_body> response_;
  std::shared_ptr<const ClipFile> file_;  // What `file_response_` sends.
  http::response<http::file_body> file_response_;
  std::optional<http::response_serializer<http::file_body>> serializer_;
};

}  // namespace

void serve_connection(boost::asio::ip::tcp::socket socket, Hub& hub) {
  std::make_shared<Connection>(std::move(socket), hub)->read();
}

}  // namespace mw::serve
