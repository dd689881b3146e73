// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/session_backend.h"

#include <utility>

namespace mw::engine {
namespace {

class WorldBackend : public SessionBackend {
 public:
  explicit WorldBackend(World world) : world_(std::move(world)) {}

  video::Image start(const WorldStart& start) override { return world_.start(start); }
  video::Image step(const action::Action& action) override { return world_.step(action); }
  Snapshot snapshot() const override { return world_.snapshot(); }
  video::Image restore(const Snapshot& snapshot) override {
    return world_.restore(std::static_pointer_cast<const World::State>(snapshot));
  }
  Pose pose() const override { return world_.pose(); }
  int width() const override { return world_.width(); }
  int height() const override { return world_.height(); }
  double fps() const override { return world_.fps(); }
  bool reads_captions() const override { return world_.reads_captions(); }

 private:
  World world_;
};

}  // namespace

BackendFactory world_backends(const std::filesystem::path& model, const WorldOptions& options) {
  const auto first = std::make_shared<const World>(model, options);
  return [first] { return std::make_unique<WorldBackend>(first->sibling()); };
}

}  // namespace mw::engine
