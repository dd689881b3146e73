// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/routes.h"

#include "mw/serve/api.h"

namespace mw::serve {
namespace {

constexpr std::string_view kJson = "application/json";

}  // namespace

std::optional<std::string> Route::match(std::string_view asked) const {
  const size_t open = path.find('{');
  if (open == std::string_view::npos) return asked == path ? std::optional("") : std::nullopt;
  const std::string_view before = path.substr(0, open), after = path.substr(path.find('}') + 1);
  if (asked.size() <= before.size() + after.size() || !asked.starts_with(before) ||
      !asked.ends_with(after)) {
    return std::nullopt;
  }
  const std::string_view name =
      asked.substr(before.size(), asked.size() - before.size() - after.size());
  if (name.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(name);
}

std::span<const Route> Api::routes() {
  const RouteAnswer bad = {400, "The request is not as described.", kJson, "Error"};
  const RouteAnswer no_session = {404, "There is no such session.", kJson, "Error"};
  const RouteAnswer no_clip = {404, "There is no such clip.", kJson, "Error"};
  const RouteAnswer full = {503, "All places are taken.", kJson, "Error"};
  static const std::vector<Route> all = {
      {"GET", "/", "The page.", &Api::page, {{200, "The page.", "text/html; charset=utf-8"}}},
      {"GET",
       "/assets/{name}",
       "A file of the page.",
       &Api::page,
       {{200, "The file."}, {404, "There is no such file.", kJson, "Error"}}},
      {"GET",
       "/healthz",
       "Whether the server is there.",
       &Api::health,
       {{200, "It is.", kJson, "Health"}}},
      {"GET",
       "/metrics",
       "Counters in Prometheus' text format.",
       &Api::metrics,
       {{200, "The counters.", "text/plain; version=0.0.4"}}},
      {"GET", "/openapi.json", "This document.", &Api::openapi, {{200, "It.", kJson}}},
      {"GET",
       "/v1/models",
       "The models that are played.",
       &Api::models,
       {{200, "The models.", kJson, "Models"}}},
      {"GET",
       "/v1/starts",
       "Pictures to start from.",
       &Api::starts,
       {{200, "The pictures.", kJson, "Starts"}}},
      {"GET",
       "/v1/starts/{id}.png",
       "One of them.",
       &Api::start_picture,
       {{200, "The picture.", "image/png"}, {404, "There is no such start.", kJson, "Error"}}},
      {"POST",
       "/v1/sessions",
       "Begins a session.",
       &Api::create_session,
       {{201, "The session.", kJson, "Session"}, bad, full},
       "NewSession"},
      {"GET",
       "/v1/sessions/{id}",
       "A session's size, rate and number of frames.",
       &Api::show_session,
       {{200, "The session.", kJson, "SessionState"}, no_session}},
      {"DELETE",
       "/v1/sessions/{id}",
       "Ends a session and closes its stream.",
       &Api::end_session,
       {{204, "It is over."}, no_session}},
      {"POST",
       "/v1/sessions/{id}/reset",
       "Begins anew, from a start or from the server's own.",
       &Api::reset_session,
       {{202, "It will.", kJson, "Accepted"}, bad, no_session},
       "NewSession"},
      {"POST",
       "/v1/sessions/{id}/undo",
       "Goes back, to a whole second.",
       &Api::undo_session,
       {{202, "It will.", kJson, "Accepted"}, bad, no_session},
       "Undo"},
      {"GET",
       "/v1/sessions/{id}/recording.jsonl",
       "The start and every action, to render the session again.",
       &Api::recording,
       {{200, "The recording.", "application/x-ndjson"}, no_session}},
      {"GET",
       "/v1/sessions/{id}/recording.mp4",
       "What the session showed, as a video; it is made when it is asked for.",
       &Api::video,
       {{200, "The video.", "video/mp4"}, bad, no_session, full},
       "",
       {{"from", "Number of the first frame."}, {"to", "Number of the last frame."}}},
      {"GET",
       "/v1/sessions/{id}/stream",
       "The session's WebSocket; wants the session's token as ?token=TOKEN.",
       &Api::stream,
       {{101, "The stream opens."}, {426, "This was no WebSocket.", kJson, "Error"}, no_session}},
      {"POST",
       "/v1/generate",
       "Renders a clip from a start and actions, as a job.",
       &Api::create_clip,
       {{202, "The job.", kJson, "NewClipAnswer"}, bad, full},
       "NewClip"},
      {"GET",
       "/v1/generate/{id}",
       "How far the clip is.",
       &Api::show_clip,
       {{200, "Its state.", kJson, "Clip"}, no_clip}},
      {"DELETE",
       "/v1/generate/{id}",
       "Cancels a clip that is not over, and forgets one that is.",
       &Api::end_clip,
       {{204, "It will."}, no_clip}},
      {"GET",
       "/v1/generate/{id}/result.mp4",
       "The clip.",
       &Api::clip_result,
       {{200, "The clip.", "video/mp4"}, {409, "It is not done.", kJson, "Error"}, no_clip}},
  };
  return all;
}

}  // namespace mw::serve
