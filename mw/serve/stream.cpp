// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/stream.h"

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <deque>
#include <nlohmann/json.hpp>
#include <utility>

#include "mw/core/error.h"
#include "mw/serve/protocol.h"

namespace mw::serve {
namespace {

namespace beast = boost::beast;
namespace websocket = beast::websocket;

constexpr size_t kMaxUnacknowledged = 2;
constexpr size_t kMaxEvents = 8;

class Stream : public std::enable_shared_from_this<Stream> {
 public:
  Stream(boost::asio::ip::tcp::socket socket, std::shared_ptr<Player> player, Hub& hub)
      : socket_(std::move(socket)), player_(std::move(player)), hub_(hub) {
    ++hub_.num_connections;
  }
  ~Stream() {
    leave();
    --hub_.num_connections;
  }

  void accept(const beast::http::request<beast::http::string_body>& request) {
    socket_.set_option(websocket::stream_base::timeout::suggested(beast::role_type::server));
    socket_.read_message_max(kMaxClientBytes);
    socket_.binary(true);
    beast::get_lowest_layer(socket_).socket().set_option(boost::asio::ip::tcp::no_delay(true));
    socket_.async_accept(request, [self = shared_from_this()](beast::error_code error) {
      if (!error) self->open();
    });
  }

 private:
  void open() {
    is_listening_ = true;
    // Called on the session's thread: the news goes over to the server's.
    listener_ = player_->listen([weak = weak_from_this(), executor = socket_.get_executor()] {
      boost::asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->send_next();
      });
    });
    engine::Session& session = player_->session();
    add_event({{"event", "hello"},
               {"session", player_->id()},
               {"width", session.width()},
               {"height", session.height()},
               {"fps", session.fps()}});
    send_next();
    read();
  }

  void read() {
    buffer_.clear();
    socket_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, size_t) {
      if (error) {
        self->leave();
      } else {
        self->on_message();
      }
    });
  }

  void on_message() {
    if (is_closing_) return;
    player_->touch();
    const boost::asio::const_buffer data = buffer_.cdata();
    try {
      if (!socket_.got_binary()) throw Error(ErrorCode::kFormat, "message: wanted a binary one");
      obey(parse_client_message({static_cast<const std::byte*>(data.data()), data.size()}));
    } catch (const Error& error) {
      close(websocket::close_code::policy_error, error.what());
      return;
    }
    read();
  }

  void obey(const ClientMessage& message) {
    engine::Session& session = player_->session();
    if (const auto* action = std::get_if<ActionMessage>(&message)) {
      session.act({.keys = action->action.keys,
                   .pitch = action->action.pitch,
                   .yaw = action->action.yaw,
                   .seq = action->seq,
                   .client_ms = action->client_ms});
    } else if (const auto* ack = std::get_if<AckMessage>(&message)) {
      while (!unacknowledged_.empty() && unacknowledged_.front() <= ack->frame) {
        unacknowledged_.pop_front();
      }
      send_next();
    } else if (const auto* control = std::get_if<ControlMessage>(&message)) {
      using Op = ControlMessage::Op;
      if (control->op == Op::kPause) player_->set_paused(true);
      if (control->op == Op::kResume) player_->set_paused(false);
      if (control->op == Op::kReset) session.reset();
      if (control->op == Op::kUndo && control->frames > 0) session.undo(control->frames);
    } else {
      session.limit_fps(std::get<SpeedMessage>(message).fps);
    }
  }

  void add_event(const nlohmann::json& event) {
    if (events_.size() >= kMaxEvents) return;
    // An error's message may hold text that is no UTF-8.
    const std::string text = event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    events_.push_back(std::make_shared<const std::vector<std::byte>>(pack_event(text)));
  }

  void send_next() {
    if (is_closing_ || sending_ != nullptr) return;
    if (player_->is_replaced(listener_)) {
      close(websocket::close_code::going_away, "another stream plays this session");
      return;
    }
    if (player_->is_over()) {
      close(websocket::close_code::going_away, "the session is over");
      return;
    }
    if (const std::string error = player_->take_error(); !error.empty()) {
      add_event({{"event", "error"}, {"message", error}});
    }
    if (!events_.empty()) {
      sending_ = events_.front();
      events_.pop_front();
    } else if (unacknowledged_.size() < kMaxUnacknowledged) {
      const Player::Packed frame = player_->take_frame();
      if (frame.bytes == nullptr) return;
      sending_ = frame.bytes;
      unacknowledged_.push_back(frame.number);
    } else {
      return;
    }
    socket_.async_write(boost::asio::buffer(*sending_),
                        [self = shared_from_this()](beast::error_code error, size_t) {
                          self->sending_ = nullptr;
                          if (error) {
                            self->leave();
                          } else {
                            self->send_next();
                          }
                        });
  }

  void close(websocket::close_code code, const std::string& why) {
    leave();
    constexpr size_t kMaxReason = 120;  // A control frame has 125 bytes.
    socket_.async_close({code, why.substr(0, kMaxReason)},
                        [self = shared_from_this()](beast::error_code) {});
  }

  void leave() {
    is_closing_ = true;
    if (std::exchange(is_listening_, false)) player_->unlisten(listener_);
  }

  websocket::stream<beast::tcp_stream> socket_;
  std::shared_ptr<Player> player_;
  Hub& hub_;
  beast::flat_buffer buffer_;
  Bytes sending_;  // Not null while a message is under way.
  std::deque<Bytes> events_;
  std::deque<uint32_t> unacknowledged_;  // Numbers of frames.
  uint64_t listener_ = 0;
  bool is_listening_ = false, is_closing_ = false;
};

}  // namespace

void serve_stream(boost::asio::ip::tcp::socket socket,
                  const beast::http::request<beast::http::string_body>& request,
                  std::shared_ptr<Player> player, Hub& hub) {
  std::make_shared<Stream>(std::move(socket), std::move(player), hub)->accept(request);
}

}  // namespace mw::serve
