// SPDX-License-Identifier: Apache-2.0
// Sessions over HTTP: begin, look, change, record, end.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "mw/core/error.h"
#include "mw/engine/clip_start.h"
#include "mw/engine/recording.h"
#include "mw/serve/api.h"
#include "mw/video/image_file.h"
#include "mw/video/resize.h"

namespace mw::serve {
namespace {

/// A frame's number in the query; `otherwise` when it is not there. Throws Error kFormat.
uint32_t frame_number(const ApiRequest& request, std::string_view name, uint32_t otherwise) {
  const std::string text = query_value(request.query, name);
  if (text.empty()) return otherwise;
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Error(ErrorCode::kFormat,
                std::string(name) + ": wanted a frame's number, got " + quote_text(text));
  }
  return number;
}

/// `{"clip": id, "frame": k}`.
engine::WorldStart start_of_clip(const std::optional<data::Dataset>& clips,
                                 const nlohmann::json& id, const nlohmann::json& start) {
  const auto name = id.get<std::string>();
  const bool is_there = clips && std::binary_search(clips->ids().begin(), clips->ids().end(), name);
  if (!is_there) throw Error(ErrorCode::kFormat, "start: there is no clip " + quote_text(name));
  const data::Clip clip = clips->clip(name);
  const bool is_given = start.contains("frame") && !start.at("frame").is_null();
  const auto last = static_cast<uint64_t>(clip.num_frames() - 1);
  const uint64_t frame = is_given ? whole_number(start, "frame", last) : last;
  // One beyond the end is refused in the same words as any other.
  return engine::start_from_clip(clip, static_cast<int64_t>(std::min(frame, last + 1)));
}

constexpr double kMostSecondsBack = 3600;

}  // namespace

engine::WorldStart Api::start_from(const nlohmann::json& body) const {
  const auto found = body.find("start");
  engine::WorldStart start;
  if (found == body.end() || found->is_null()) {
    start = config_.first_start;
  } else {
    const auto image = found->find("image"), clip = found->find("clip");
    if (clip != found->end() && !clip->is_null()) {
      start = start_of_clip(dataset_, *clip, *found);
    } else {
      start.caption = found->value("caption", "");
      start.pitch = std::clamp(found->value("pitch", 0.0), -90.0, 90.0);
    }
    start.seed = whole_number(*found, "seed", 0);
    if (image != found->end() && !image->is_null() && !start.image) {
      const auto text = image->get<std::string>();
      const std::vector<std::string> names = start_names();
      if (text.starts_with("data:")) {
        start.image = engine::decode_data_url(text);
      } else if (std::find(names.begin(), names.end(), text) != names.end()) {
        start.image = video::read_image(config_.starts / (text + ".png"));
      } else {
        throw Error(ErrorCode::kFormat, "start: there is no picture " + quote_text(text));
      }
    }
  }
  const engine::SessionBackend& world = *players_.example();
  if (!world.reads_captions()) start.caption.clear();
  // A world would do the same; what waits in memory is small now.
  const auto fit = [&](video::Image& picture) {
    picture = video::crop_and_resize(picture, world.width(), world.height());
  };
  if (start.image) fit(*start.image);
  for (engine::RecordedFrame& frame : start.recorded) fit(frame.image);
  return start;
}

engine::SessionMoment Api::moment_from(const nlohmann::json& body) const {
  const auto start = body.find("start");
  const bool is_branch = start != body.end() && start->is_object() && start->contains("session");
  if (!is_branch) return {.snapshot = nullptr, .start = start_from(body)};
  const engine::Session& from = player_of(start->at("session").get<std::string>())->session();
  const double seconds = start->value("seconds", 0.0);
  if (!(seconds >= 0 && seconds <= kMostSecondsBack)) {
    throw Error(ErrorCode::kFormat, "seconds: 0 to 3600");
  }
  return from.moment(std::llround(seconds * from.fps()));
}

ApiResponse Api::create_session(const ApiRequest& request, const std::string&) {
  const engine::SessionMoment moment = moment_from(parse_body(request));
  const std::shared_ptr<Player> player = players_.create();
  if (player == nullptr) {
    ++num_refused_;
    return failure(503, concat_message("full: ", players_.limit(), " sessions are being played"));
  }
  ++num_sessions_;
  engine::Session& session = player->session();
  session.continue_from(moment);
  return json_answer(201,
                     {{"id", player->id()},
                      {"token", player->token()},
                      {"width", session.width()},
                      {"height", session.height()},
                      {"fps", session.fps()},
                      {"ws", "/v1/sessions/" + player->id() + "/stream?token=" + player->token()}});
}

std::shared_ptr<Player> Api::player_of(const std::string& id) const {
  std::shared_ptr<Player> player = players_.find(id);
  if (player == nullptr) throw Refused{failure(404, "there is no such session")};
  player->touch();
  return player;
}

ApiResponse Api::show_session(const ApiRequest&, const std::string& id) {
  const engine::Session& session = player_of(id)->session();
  return json_answer(200, {{"id", id},
                           {"width", session.width()},
                           {"height", session.height()},
                           {"fps", session.fps()},
                           {"frames", session.recorded_actions().num_frames()}});
}

ApiResponse Api::end_session(const ApiRequest&, const std::string& id) {
  player_of(id);
  players_.remove(id);
  return {.status = 204, .type = "", .body = ""};
}

ApiResponse Api::reset_session(const ApiRequest& request, const std::string& id) {
  player_of(id)->session().continue_from(moment_from(parse_body(request)));
  return json_answer(202, {{"id", id}});
}

ApiResponse Api::undo_session(const ApiRequest& request, const std::string& id) {
  engine::Session& session = player_of(id)->session();
  const double seconds = parse_body(request).at("seconds").get<double>();
  if (!(seconds > 0 && seconds <= kMostSecondsBack))
    throw Error(ErrorCode::kFormat, "seconds: 0 to 3600");
  session.undo(std::max<int64_t>(1, std::llround(seconds * session.fps())));
  return json_answer(202, {{"id", id}});
}

ApiResponse Api::recording(const ApiRequest&, const std::string& id) {
  const engine::Session& session = player_of(id)->session();
  return {.status = 200,
          .type = "application/x-ndjson",
          .body = engine::to_json_lines({.model = config_.model,
                                         .dtype = config_.dtype,
                                         .start = session.recorded_start(),
                                         .actions = session.recorded_actions()})};
}

ApiResponse Api::video(const ApiRequest& request, const std::string& id) {
  const std::shared_ptr<Player> player = player_of(id);
  const uint32_t first = frame_number(request, "from", 0);
  const uint32_t last = frame_number(request, "to", std::numeric_limits<uint32_t>::max());
  if (first > last) throw Error(ErrorCode::kFormat, "from: wanted a frame before `to`");
  const size_t frames = player->spool()->count(first, last);
  if (frames == 0) return failure(404, "the session keeps no frame of those");
  // Frames that go while the video is made only shorten it.
  const std::optional<std::string> job =
      videos_.add({.num_frames = static_cast<int64_t>(frames),
                   .fps = player->session().fps(),
                   .frame = [spool = player->spool(), next = first,
                             last](int64_t) mutable -> std::optional<video::Image> {
                     const std::optional<FrameSpool::Frame> frame = spool->next(next);
                     if (!frame || frame->number > last) return std::nullopt;
                     next = frame->number + 1;
                     return video::decode_image(frame->jpeg, "frame");
                   }});
  if (!job) return failure(503, "full: other videos are being made");
  ApiResponse response;
  response.later = [this, id = *job]() -> std::optional<ApiResponse> {
    const std::optional<ClipStatus> status = videos_.status(id);
    if (!status) return failure(503, "full: other videos are being made");
    if (status->state == ClipState::kQueued || status->state == ClipState::kRunning) {
      return std::nullopt;
    }
    videos_.remove(id);
    if (status->file == nullptr) return failure(500, status->error);
    return ApiResponse{.status = 200, .type = "video/mp4", .body = "", .file = status->file};
  };
  return response;
}

ApiResponse Api::stream(const ApiRequest&, const std::string& id) {
  player_of(id);
  return failure(426, "this is a WebSocket: wanted Upgrade: websocket");
}

}  // namespace mw::serve
