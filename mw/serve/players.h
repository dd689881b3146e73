// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "mw/engine/session.h"
#include "mw/serve/frame_spool.h"
#include "mw/serve/play_recorder.h"

namespace mw::serve {

/// A packed message, shared between who made it and who sends it.
using Bytes = std::shared_ptr<const std::vector<std::byte>>;

/// One player's session and its newest frame, packed. A frame that nobody took is replaced by the
/// next one, so a slow client costs no memory. Thread safe.
class Player {
 public:
  struct Packed {
    uint32_t number = 0;
    bool is_jump = false;  ///< Or follows one that was replaced.
    Bytes bytes;
  };

  /// Frames go to `spool`, and to `take` unless that is null.
  Player(std::string id, std::string token, std::unique_ptr<engine::SessionBackend> backend,
         std::shared_ptr<FrameSpool> spool, std::unique_ptr<PlayTake> take);

  const std::string& id() const { return id_; }
  const std::string& token() const { return token_; }
  engine::Session& session() { return *session_; }
  /// The newest frames that were shown.
  const std::shared_ptr<FrameSpool>& spool() const { return spool_; }

  /// Who is told, on any thread, that there is news; replaces the one before, who is told a last
  /// time. Returns what `unlisten` wants. The world runs only while somebody listens.
  uint64_t listen(std::function<void()> listener);
  void unlisten(uint64_t listener);
  /// Whether another one took over from that listener.
  bool is_replaced(uint64_t listener) const;
  /// The newest frame and error, once each.
  Packed take_frame();
  std::string take_error();

  /// The session is over: who listens should go.
  void end();
  bool is_over() const;

  /// The player's own pause.
  void set_paused(bool is_paused);

  /// Any sign of life of the client.
  void touch();
  double idle_seconds() const;

 private:
  void on_frame(const engine::SessionFrame& frame);
  void show(const engine::SessionFrame& frame, const std::vector<std::byte>& jpeg);
  void on_error(const std::string& message);

  const std::string id_, token_;
  const std::shared_ptr<FrameSpool> spool_;
  const std::unique_ptr<PlayTake> take_;  // Used by the session's thread alone.
  mutable std::mutex mutex_;
  std::function<void()> listener_;
  Packed newest_;
  std::string error_;
  uint64_t listener_number_ = 0;
  bool is_paused_ = false, is_over_ = false;
  std::chrono::steady_clock::time_point last_sign_;
  std::unique_ptr<engine::Session> session_;  // Last: its thread ends before the rest goes.
};

/// The players of a server, at most `max_players`. Thread safe.
class Players {
 public:
  /// spool_bytes: how much of each session's frames is kept.
  Players(engine::BackendFactory backends, size_t max_players, size_t spool_bytes)
      : backends_(std::move(backends)),
        example_(backends_()),
        max_players_(max_players),
        spool_bytes_(spool_bytes) {}

  /// From now on, sessions become clips there.
  void record_to(std::shared_ptr<PlayRecorder> recorder) { recorder_ = std::move(recorder); }

  const engine::BackendFactory& backends() const { return backends_; }

  /// A backend that nobody plays, for its sizes.
  const std::shared_ptr<const engine::SessionBackend>& example() const { return example_; }

  /// A new session under an id and a token that can't be guessed; null when there is no room.
  std::shared_ptr<Player> create();
  std::shared_ptr<Player> find(const std::string& id) const;
  bool remove(const std::string& id);
  /// Takes out the sessions whose clients gave no sign for so long.
  std::vector<std::shared_ptr<Player>> remove_idle(double seconds);

  size_t count() const;
  size_t limit() const { return max_players_; }

 private:
  engine::BackendFactory backends_;
  std::shared_ptr<const engine::SessionBackend> example_;
  const size_t max_players_, spool_bytes_;
  std::shared_ptr<PlayRecorder> recorder_;  // Null: play is not recorded.
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Player>> players_;
};

/// 32 hexadecimal digits from the system's entropy.
std::string random_token();

}  // namespace mw::serve
