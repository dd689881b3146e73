// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/players.h"

#include <random>
#include <utility>

#include "mw/core/error.h"
#include "mw/serve/protocol.h"
#include "mw/video/image_file.h"

namespace mw::serve {

Player::Player(std::string id, std::string token, std::unique_ptr<engine::SessionBackend> backend,
               std::shared_ptr<FrameSpool> spool, std::unique_ptr<PlayTake> take)
    : id_(std::move(id)),
      token_(std::move(token)),
      spool_(std::move(spool)),
      take_(std::move(take)),
      last_sign_(std::chrono::steady_clock::now()) {
  session_ = std::make_unique<engine::Session>(
      std::move(backend),
      engine::SessionEvents{
          .on_frame =
              [this](std::shared_ptr<const engine::SessionFrame> frame) { on_frame(*frame); },
          .on_error = [this](const std::string& message) { on_error(message); }});
  session_->set_paused(true);
}

void Player::on_frame(const engine::SessionFrame& frame) {
  const std::vector<std::byte> jpeg = video::encode_jpeg(frame.image);
  // The client comes first, what is kept of the frame then.
  show(frame, jpeg);
  spool_->append(frame.number, jpeg);
  if (take_ == nullptr) return;
  try {
    take_->add(frame);
  } catch (const Error& error) {
    on_error(error.what());
  }
}

void Player::show(const engine::SessionFrame& frame, const std::vector<std::byte>& jpeg) {
  const std::lock_guard<std::mutex> lock(mutex_);
  // The client hears of a jump even if its frame is replaced by the next one.
  const bool is_jump = frame.is_jump || newest_.is_jump;
  newest_ = {.number = frame.number, .is_jump = is_jump, .bytes = nullptr};
  newest_.bytes = std::make_shared<const std::vector<std::byte>>(
      pack_frame({.action = frame.action,
                  .is_jump = is_jump,
                  .frame = frame.number,
                  .seq = frame.seq,
                  .client_ms = frame.client_ms,
                  .model_ms = static_cast<float>(frame.model_ms),
                  .queue_ms = static_cast<float>(frame.queue_ms),
                  .jpeg = jpeg}));
  if (listener_) listener_();
}

void Player::on_error(const std::string& message) {
  const std::lock_guard<std::mutex> lock(mutex_);
  error_ = message;
  if (listener_) listener_();
}

uint64_t Player::listen(std::function<void()> listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++listener_number_;
  if (listener_) listener_();
  listener_ = std::move(listener);
  session_->set_paused(is_paused_);
  return listener_number_;
}

bool Player::is_replaced(uint64_t listener) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return listener != listener_number_;
}

void Player::unlisten(uint64_t listener) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (listener != listener_number_) return;  // Another one took over.
  listener_ = {};
  session_->set_paused(true);
}

void Player::end() {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_over_ = true;
  session_->set_paused(true);
  if (listener_) listener_();
}

bool Player::is_over() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return is_over_;
}

Player::Packed Player::take_frame() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(newest_, {});
}

std::string Player::take_error() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(error_, {});
}

void Player::set_paused(bool is_paused) {
  const std::lock_guard<std::mutex> lock(mutex_);
  is_paused_ = is_paused;
  session_->set_paused(is_paused_ || !listener_);
}

void Player::touch() {
  const std::lock_guard<std::mutex> lock(mutex_);
  last_sign_ = std::chrono::steady_clock::now();
}

double Player::idle_seconds() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - last_sign_).count();
}

std::shared_ptr<Player> Players::create() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (players_.size() >= max_players_) return nullptr;
  const auto player = std::make_shared<Player>(
      random_token(), random_token(), backends_(), std::make_shared<FrameSpool>(spool_bytes_),
      recorder_ == nullptr ? nullptr : std::make_unique<PlayTake>(recorder_));
  players_[player->id()] = player;
  return player;
}

std::shared_ptr<Player> Players::find(const std::string& id) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = players_.find(id);
  return found == players_.end() ? nullptr : found->second;
}

bool Players::remove(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = players_.find(id);
  if (found == players_.end()) return false;
  found->second->end();
  players_.erase(found);
  return true;
}

std::vector<std::shared_ptr<Player>> Players::remove_idle(double seconds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<std::shared_ptr<Player>> idle;
  for (auto it = players_.begin(); it != players_.end();) {
    const bool is_idle = it->second->idle_seconds() > seconds;
    if (is_idle) {
      it->second->end();
      idle.push_back(it->second);
    }
    it = is_idle ? players_.erase(it) : std::next(it);
  }
  return idle;
}

size_t Players::count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return players_.size();
}

std::string random_token() {
  std::random_device entropy;
  std::string text;
  for (int i = 0; i < 32; ++i) text += "0123456789abcdef"[entropy() & 15];
  return text;
}

}  // namespace mw::serve
