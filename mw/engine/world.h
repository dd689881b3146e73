// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mw/action/action_space.h"
#include "mw/engine/model_folder.h"
#include "mw/video/image.h"

namespace mw::engine {

/// Which parts take part: the whole model, or one of the baselines that it must beat.
enum class WorldMode {
  kFull,          ///< The network corrects the camera prior.
  kPriorOnly,     ///< The bare camera prior: the last picture, moved.
  kRotationOnly,  ///< The bare prior without its sense of depth.
  kRepeat,        ///< The first frame, for ever.
};

struct WorldOptions {
  WorldMode mode = WorldMode::kFull;
  std::string dtype = "fp32";              ///< fp32 or bf16.
  std::optional<SamplingConfig> sampling;  ///< Instead of the model folder's.
};

/// Where a world's camera is and looks, as the world reckons it: degrees, yaw clockwise from north,
/// pitch positive down; nodes east, up and north of the start.
struct Pose {
  double pitch = 0, yaw = 0;
  std::array<double, 3> position{};

  bool operator==(const Pose&) const = default;
};

/// A frame that was recorded, not made, and the action that led into it.
struct RecordedFrame {
  action::Action action;
  video::Image image;
};

/// Where a world begins. Without an image the first frame is imagined, from the caption if any.
struct WorldStart {
  std::optional<video::Image> image;  ///< Resized to the model's size if need be.
  std::string caption = {};           ///< Only for models with a text encoder.
  uint64_t seed = 0;
  double pitch = 0;  ///< Of the camera in the image, in degrees, positive looks down.
  /// Starting noise of the first frames, each C*h*w values; drawn from the seed where it ends.
  std::vector<float> noise = {};
  /// What followed `image` in a recorded clip, oldest first: the world goes on from the last one,
  /// and remembers how it came there.
  std::vector<RecordedFrame> recorded = {};
};

/// One world that runs: an action in, a frame out, for ever, in constant memory.
///
/// Equal model, options, start, actions and thread count give equal frames. Owned by one thread.
class World {
 public:
  /// Everything that changes as a world runs, at one frame. Cheap: big parts are shared.
  struct State;
  using Snapshot = std::shared_ptr<const State>;

  /// Loads an embedded model's folder. Throws Error kIo, kFormat, kConfig or kWeights.
  World(const std::filesystem::path& model, const WorldOptions& options);
  ~World();
  World(World&&) noexcept;
  World& operator=(World&&) noexcept;

  /// Begins anew and returns the frame to go on from, as the model sees it.
  /// Throws Error kInvalidArgument when a baseline is given no image, recorded frames follow none,
  /// or noise is no whole frames.
  video::Image start(const WorldStart& start);

  /// The next frame, under the action that leads into it. Throws Error kInvalidArgument before
  /// `start`.
  video::Image step(const action::Action& action);

  /// The world as it is now. Throws Error kInvalidArgument before `start`.
  Snapshot snapshot() const;
  /// Goes on from a snapshot of this world, or of one with its model, and returns its frame: what
  /// follows is what followed then. Throws Error kInvalidArgument for a null snapshot.
  video::Image restore(const Snapshot& snapshot);

  /// A world of its own with the same weights in memory; not started.
  World sibling() const;

  /// Of the newest frame.
  Pose pose() const;

  /// The newest frame's clean latent [C, h, w], row-major, normalised.
  std::vector<float> latent() const;
  /// C, h and w of it.
  std::array<int64_t, 3> latent_shape() const;

  /// The model's, or those that were given instead.
  const SamplingConfig& sampling() const;
  /// Whether captions are understood: the model has a text encoder.
  bool reads_captions() const;
  int width() const;
  int height() const;
  double fps() const;

 private:
  struct Impl;
  explicit World(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mw::engine
