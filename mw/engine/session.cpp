// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "mw/core/error.h"

namespace mw::engine {
namespace {

using Clock = std::chrono::steady_clock;

double ms_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

struct Session::Impl {
  Impl(std::unique_ptr<SessionBackend> from, SessionEvents to)
      : backend(std::move(from)), events(std::move(to)) {}

  void run();
  /// What there is to do, waited for; nothing at the end.
  enum class Work { kStart, kUndo, kStep, kEnd };
  Work wait(std::unique_lock<std::mutex>& lock);
  void begin(std::unique_lock<std::mutex>& lock);
  void go_back(std::unique_lock<std::mutex>& lock);
  void step(std::unique_lock<std::mutex>& lock);
  action::Action latch();
  void keep_snapshot();
  void show(video::Image image, const action::Action& action, bool is_jump, double model_ms);

  // The session's thread alone uses these.
  std::unique_ptr<SessionBackend> backend;
  SessionEvents events;
  struct Second {
    int64_t index;
    SessionBackend::Snapshot snapshot;
  };
  uint32_t next_number = 0;
  Clock::time_point due = Clock::now();
  std::shared_ptr<const WorldStart> life;  // What the frames go back to.
  SessionFrame echo;  // Seq, time and wait of the newest input that was latched.

  // Guarded by `mutex`.
  mutable std::mutex mutex;
  std::condition_variable changed;
  bool is_ending = false, is_paused = false, is_started = false;
  double fps_limit = 0;
  std::deque<Second> seconds;  // Never empty once started.
  std::optional<SessionMoment> wanted_start;
  int64_t wanted_undo = 0;
  SessionInput input;  // Keys as they are now; motion summed since the last latch.
  std::optional<Clock::time_point> input_time;
  WorldStart last_start;
  std::vector<action::Action> rows = {action::Action()};
  std::thread thread;
};

Session::Impl::Work Session::Impl::wait(std::unique_lock<std::mutex>& lock) {
  for (;;) {
    if (is_ending) return Work::kEnd;
    if (wanted_start) return Work::kStart;
    if (wanted_undo > 0 && is_started) return Work::kUndo;
    wanted_undo = 0;
    if (!is_started || is_paused) {
      changed.wait(lock);
      due = Clock::now();
      continue;
    }
    if (Clock::now() >= due) return Work::kStep;
    changed.wait_until(lock, due);
  }
}

void Session::Impl::run() {
  std::unique_lock<std::mutex> lock(mutex);
  for (;;) {
    const Work work = wait(lock);
    if (work == Work::kEnd) return;
    try {
      if (work == Work::kStart) begin(lock);
      if (work == Work::kUndo) go_back(lock);
      if (work == Work::kStep) step(lock);
    } catch (const std::exception& error) {
      if (!lock.owns_lock()) lock.lock();
      is_paused = true;
      if (work == Work::kStart) is_started = false;
      lock.unlock();
      if (events.on_error) events.on_error(error.what());
      lock.lock();
    }
  }
}

void Session::Impl::begin(std::unique_lock<std::mutex>& lock) {
  SessionMoment moment = std::move(*wanted_start);
  wanted_start.reset();
  wanted_undo = 0;
  input.pitch = input.yaw = 0;
  last_start = moment.start;
  const auto from = std::make_shared<const WorldStart>(std::move(moment.start));
  lock.unlock();
  const Clock::time_point since = Clock::now();
  video::Image first = moment.snapshot ? backend->restore(moment.snapshot) : backend->start(*from);
  SessionBackend::Snapshot snapshot = backend->snapshot();
  life = from;
  const double model_ms = ms_between(since, Clock::now());
  lock.lock();
  rows = std::move(moment.rows);
  seconds.clear();
  seconds.push_back({static_cast<int64_t>(rows.size()) - 1, std::move(snapshot)});
  is_started = true;
  due = Clock::now();
  const action::Action led_here = rows.back();
  lock.unlock();
  show(std::move(first), led_here, true, model_ms);
  lock.lock();
}

void Session::Impl::go_back(std::unique_lock<std::mutex>& lock) {
  const int64_t target = static_cast<int64_t>(rows.size()) - 1 - wanted_undo;
  wanted_undo = 0;
  input.pitch = input.yaw = 0;
  while (seconds.size() > 1 && seconds.back().index > target) seconds.pop_back();
  const Second second = seconds.back();
  lock.unlock();
  video::Image image = backend->restore(second.snapshot);
  lock.lock();
  rows.resize(static_cast<size_t>(second.index) + 1);
  const action::Action led_here = rows.back();
  lock.unlock();
  show(std::move(image), led_here, true, 0);
  lock.lock();
}

/// The action of the frame that is made now. Turns beyond an action's bounds are cut.
action::Action Session::Impl::latch() {
  const auto turn = [](double degrees) {
    constexpr double kMost = action::kMaxTurn;
    return static_cast<float>(std::clamp(degrees, -kMost, kMost));
  };
  action::Action action;
  action.keys = input.keys;
  action.pitch = turn(input.pitch);
  action.yaw = turn(input.yaw);
  input.pitch = input.yaw = 0;
  echo.seq = input.seq;
  echo.client_ms = input.client_ms;
  echo.queue_ms = input_time ? ms_between(*input_time, Clock::now()) : 0;
  input_time.reset();
  return action;
}

void Session::Impl::step(std::unique_lock<std::mutex>& lock) {
  const double rate = fps_limit > 0 ? std::min(fps_limit, backend->fps()) : backend->fps();
  const auto period =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
  due += period;
  const Clock::time_point since = Clock::now();
  due = std::max(due, since - period);  // Behind: one late frame is made up for, but no more.
  const action::Action action = latch();
  MW_CHECK(rows.size() < static_cast<size_t>(action::kMaxRows), "session: after ", action::kMaxRows,
           " frames it has to be reset");
  lock.unlock();
  video::Image image = backend->step(action);
  const double model_ms = ms_between(since, Clock::now());
  lock.lock();
  rows.push_back(action);
  lock.unlock();
  keep_snapshot();
  show(std::move(image), action, false, model_ms);
  lock.lock();
}

void Session::Impl::keep_snapshot() {
  const auto index = static_cast<int64_t>(rows.size()) - 1;  // Only this thread changes rows.
  if (index % std::max<int64_t>(1, std::llround(backend->fps())) != 0) return;
  SessionBackend::Snapshot snapshot = backend->snapshot();
  const std::lock_guard<std::mutex> lock(mutex);
  seconds.push_back({index, std::move(snapshot)});
  if (seconds.size() > kMaxSeconds) seconds.pop_front();
}

void Session::Impl::show(video::Image image, const action::Action& action, bool is_jump,
                         double model_ms) {
  auto frame = std::make_shared<SessionFrame>();
  frame->image = std::move(image);
  frame->action = action;
  frame->pose = backend->pose();
  frame->start = life;
  frame->number = next_number++;
  frame->index = static_cast<int64_t>(rows.size()) - 1;
  frame->is_jump = is_jump;
  frame->seq = echo.seq;
  frame->client_ms = echo.client_ms;
  frame->model_ms = model_ms;
  frame->queue_ms = echo.queue_ms;
  if (events.on_frame) events.on_frame(std::move(frame));
}

Session::Session(std::unique_ptr<SessionBackend> backend, SessionEvents events)
    : impl_(std::make_unique<Impl>(std::move(backend), std::move(events))) {
  impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

Session::~Session() {
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->is_ending = true;
  }
  impl_->changed.notify_one();
  impl_->thread.join();
}

void Session::start(const WorldStart& start) {
  continue_from({.snapshot = nullptr, .start = start});
}

void Session::continue_from(const SessionMoment& moment) {
  MW_CHECK(!moment.rows.empty(), "session: a moment has one row or more");
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->wanted_start = moment;
  impl_->changed.notify_one();
}

SessionMoment Session::moment(int64_t frames) const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  MW_CHECK(impl_->is_started, "session: there is no frame yet to go on from");
  const int64_t target = static_cast<int64_t>(impl_->rows.size()) - 1 - frames;
  auto second = std::prev(impl_->seconds.end());
  while (second != impl_->seconds.begin() && second->index > target) --second;
  return {.snapshot = second->snapshot,
          .start = impl_->last_start,
          .rows = {impl_->rows.begin(), impl_->rows.begin() + second->index + 1}};
}

void Session::act(const SessionInput& input) {
  if (std::any_of(input.keys.begin(), input.keys.end(), [](uint8_t key) { return key > 1; }) ||
      !std::isfinite(input.pitch) || !std::isfinite(input.yaw)) {
    throw Error(ErrorCode::kFormat, "session: keys must be 0 or 1 and turns finite");
  }
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  SessionInput& now = impl_->input;
  const double pitch = now.pitch + input.pitch, yaw = now.yaw + input.yaw;
  now = input;
  now.pitch = pitch;
  now.yaw = yaw;
  impl_->input_time = Clock::now();
}

void Session::set_paused(bool is_paused) {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->is_paused = is_paused;
  impl_->changed.notify_one();
}

void Session::reset() {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  if (!impl_->wanted_start) impl_->wanted_start = {.snapshot = nullptr, .start = impl_->last_start};
  impl_->changed.notify_one();
}

void Session::undo(int64_t frames) {
  MW_CHECK(frames > 0, "session: undo wants 1 frame or more, got ", frames);
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->wanted_undo = std::min(frames, action::kMaxRows);
  impl_->changed.notify_one();
}

void Session::limit_fps(double fps) {
  MW_CHECK(std::isfinite(fps) && fps >= 0, "session: fps must be 0 or more, got ", fps);
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  impl_->fps_limit = fps > 0 ? std::max(fps, 0.1) : 0;
}

WorldStart Session::recorded_start() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return impl_->last_start;
}

action::ActionTrack Session::recorded_actions() const {
  const std::lock_guard<std::mutex> lock(impl_->mutex);
  return action::ActionTrack(impl_->rows);
}

int Session::width() const { return impl_->backend->width(); }
int Session::height() const { return impl_->backend->height(); }
double Session::fps() const { return impl_->backend->fps(); }
bool Session::reads_captions() const { return impl_->backend->reads_captions(); }

}  // namespace mw::engine
