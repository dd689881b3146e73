// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "mw/action/action_space.h"
#include "mw/engine/world.h"
#include "mw/video/image.h"

namespace mw::engine {

/// What a session plays: a world, or something simpler that stands in for one. Used by one thread.
class SessionBackend {
 public:
  using Snapshot = std::shared_ptr<const void>;
  virtual ~SessionBackend() = default;

  /// As World::start, step, snapshot and restore; snapshots are of this backend's own kind.
  virtual video::Image start(const WorldStart& start) = 0;
  virtual video::Image step(const action::Action& action) = 0;
  virtual Snapshot snapshot() const = 0;
  virtual video::Image restore(const Snapshot& snapshot) = 0;
  /// Of the newest frame.
  virtual Pose pose() const = 0;

  virtual int width() const = 0;
  virtual int height() const = 0;
  virtual double fps() const = 0;
  virtual bool reads_captions() const = 0;
};

/// Makes a backend for one more session. Called from any thread.
using BackendFactory = std::function<std::unique_ptr<SessionBackend>()>;

/// Backends that are worlds of one model, whose weights are in memory once.
/// Throws Error as the constructor of World does.
BackendFactory world_backends(const std::filesystem::path& model, const WorldOptions& options);

}  // namespace mw::engine
