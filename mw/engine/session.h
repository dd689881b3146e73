// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mw/action/action_track.h"
#include "mw/engine/session_backend.h"

namespace mw::engine {

/// What the player does, as it is told: keys as they are now, mouse motion since the last telling.
struct SessionInput {
  std::array<uint8_t, action::kNumKeys> keys{};
  double pitch = 0, yaw = 0;  ///< Degrees.
  uint32_t seq = 0;           ///< The teller's number of this input.
  double client_ms = 0;       ///< The teller's clock, handed back with the frame.
};

/// A frame of a session, with the input that it answers and what it took.
struct SessionFrame {
  video::Image image;
  action::Action action;                    ///< That led into it; still for a first one.
  Pose pose;                                ///< Of its camera.
  std::shared_ptr<const WorldStart> start;  ///< Of its life; another object for every start.
  uint32_t number = 0;   ///< Grows by one with every frame that the session showed.
  int64_t index = 0;     ///< In the world's life: an undo takes it back, a start to 0.
  bool is_jump = false;  ///< First after a start or an undo.
  uint32_t seq = 0;      ///< Of the newest input in it.
  double client_ms = 0;  ///< Of the same.
  double model_ms = 0;   ///< From latching to the finished frame.
  double queue_ms = 0;   ///< That input's wait until it was latched; 0 if it was in a frame before.
};

/// A session at one moment: another session of the same backends can go on from there.
struct SessionMoment {
  SessionBackend::Snapshot snapshot;  ///< Null: at the very start, not yet played.
  WorldStart start;
  std::vector<action::Action> rows = {action::Action()};  ///< That led there from the start.
};

/// Called on the session's thread; they must not call the session and should return at once.
struct SessionEvents {
  std::function<void(std::shared_ptr<const SessionFrame>)> on_frame;
  std::function<void(const std::string& message)> on_error;  ///< The session goes on, paused.
};

/// One player's world, alive on a thread of its own in constant memory: inputs at any time, frames
/// at the model's rate.
///
/// An input is latched when its frame is due, not before. A frame that comes late is followed by
/// the next one sooner; when the model is slower than its rate, frames follow each other without
/// pause, and what was lost isn't made up for. A snapshot for each of the last `kMaxSeconds`
/// seconds lets it go back. Its methods may be called from any thread and don't wait for the model.
class Session {
 public:
  static constexpr size_t kMaxSeconds = 60;

  Session(std::unique_ptr<SessionBackend> backend, SessionEvents events);
  ~Session();  ///< Waits for the frame that is being made.

  /// Begins anew and shows the first frame, also while paused.
  void start(const WorldStart& start);
  /// Goes on from a moment of a session, this one or another, and shows its frame.
  void continue_from(const SessionMoment& moment);
  /// The newest whole second that lies `frames` frames back or more, at most the oldest one kept.
  /// Throws Error kInvalidArgument before the first frame.
  SessionMoment moment(int64_t frames) const;
  /// Throws Error kFormat when keys are not 0 or 1 or a turn is not finite.
  void act(const SessionInput& input);
  void set_paused(bool is_paused);
  /// Starts again as the last start did.
  void reset();
  /// Goes back at least `frames` frames, to a whole second; at most to the oldest one kept.
  void undo(int64_t frames);
  /// Caps the frame rate; 0 = the model's own, which is never exceeded.
  void limit_fps(double fps);

  /// The start and every action that led to the newest frame.
  WorldStart recorded_start() const;
  action::ActionTrack recorded_actions() const;

  int width() const;
  int height() const;
  double fps() const;
  bool reads_captions() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mw::engine
