// SPDX-License-Identifier: Apache-2.0
// Clips over HTTP: a start and actions in, an mp4 out.
#include <nlohmann/json.hpp>
#include <utility>

#include "mw/action/parse.h"
#include "mw/core/error.h"
#include "mw/engine/overlay.h"
#include "mw/serve/api.h"
#include "mw/video/resize.h"

namespace mw::serve {
namespace {

/// Plays a start and actions in a world of its own, which lives from the first frame on.
class Rendering {
 public:
  Rendering(engine::BackendFactory backends, engine::WorldStart start, action::ActionTrack actions,
            bool use_overlay)
      : backends_(std::move(backends)),
        start_(std::move(start)),
        actions_(std::move(actions)),
        use_overlay_(use_overlay) {}

  std::optional<video::Image> operator()(int64_t index) {
    const action::Action& action = actions_.rows()[static_cast<size_t>(index)];
    if (index == 0) world_ = backends_();
    video::Image frame = index == 0 ? world_->start(start_) : world_->step(action);
    if (!use_overlay_) return frame;
    const int scale = engine::readable_scale(frame.width);
    frame = video::resize(frame, frame.width * scale, frame.height * scale);
    overlay_.draw(frame, action);
    return frame;
  }

 private:
  engine::BackendFactory backends_;
  engine::WorldStart start_;
  action::ActionTrack actions_;
  bool use_overlay_;
  std::shared_ptr<engine::SessionBackend> world_;
  engine::Overlay overlay_;
};

}  // namespace

ApiResponse Api::create_clip(const ApiRequest& request, const std::string&) {
  const nlohmann::json body = parse_body(request);
  engine::WorldStart start = start_from(body);
  start.seed = whole_number(body, "seed", start.seed);
  action::ActionTrack actions = action::parse_action_text(body.at("actions").get<std::string>());
  const uint64_t wanted = whole_number(body, "frames", static_cast<uint64_t>(actions.num_frames()));
  if (wanted < 1 || wanted > static_cast<uint64_t>(config_.max_clip_frames)) {
    throw Error(ErrorCode::kFormat,
                concat_message("frames: wanted 1 to ", config_.max_clip_frames, ", got ", wanted));
  }
  const auto frames = static_cast<int64_t>(wanted);
  const std::optional<std::string> id =
      clips_.add({.num_frames = frames,
                  .fps = players_.example()->fps(),
                  .frame = Rendering(players_.backends(), std::move(start), actions.resized(frames),
                                     body.value("overlay", false))});
  if (!id) {
    ++num_refused_;
    return failure(503, concat_message("full: ", config_.clips.waiting, " clips are waiting"));
  }
  ++num_clips_;
  return json_answer(202, {{"id", *id}, {"status_url", "/v1/generate/" + *id}});
}

ClipStatus Api::clip_of(const std::string& id) const {
  std::optional<ClipStatus> status = clips_.status(id);
  if (!status) throw Refused{failure(404, "there is no such clip")};
  return *std::move(status);
}

ApiResponse Api::show_clip(const ApiRequest&, const std::string& id) {
  const ClipStatus clip = clip_of(id);
  nlohmann::ordered_json body = {
      {"status", name_of(clip.state)},
      {"progress", static_cast<double>(clip.frames_done) / static_cast<double>(clip.num_frames)},
      {"frames_done", clip.frames_done},
      {"frames", clip.num_frames}};
  if (!clip.error.empty()) body["error"] = clip.error;
  return json_answer(200, body);
}

ApiResponse Api::clip_result(const ApiRequest&, const std::string& id) {
  const ClipStatus clip = clip_of(id);
  if (clip.file == nullptr) {
    return failure(409, concat_message("the clip is not done but ", name_of(clip.state)));
  }
  return {.status = 200, .type = "video/mp4", .body = "", .file = clip.file};
}

ApiResponse Api::end_clip(const ApiRequest&, const std::string& id) {
  clip_of(id);
  clips_.remove(id);
  return {.status = 204, .type = "", .body = ""};
}

}  // namespace mw::serve
