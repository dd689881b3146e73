// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mw/data/dataset.h"
#include "mw/serve/clip_jobs.h"
#include "mw/serve/players.h"
#include "mw/serve/routes.h"

namespace mw::serve {

/// What a server offers and to whom.
struct ServeConfig {
  std::string host = "127.0.0.1";
  uint16_t port = 8080;  ///< 0 = any free one.
  size_t max_sessions = 4;
  std::string token;  ///< Wanted of clients; must be set when `host` is not this machine alone.
  double idle_seconds = 300;  ///< Without a sign of the client, then its session ends.
  double read_seconds = 15;   ///< For a whole request to arrive.
  size_t max_body_bytes = 8 << 20;
  size_t max_connections = 256;
  ClipJobs::Limits clips;                   ///< Of `POST /v1/generate`.
  int64_t max_clip_frames = 4096;           ///< The same.
  size_t video_bytes = 128 << 20;           ///< Of each session's frames that are kept on disk.
  std::filesystem::path record;             ///< Data set that sessions are added to; may be empty.
  std::filesystem::path starts;             ///< Folder of PNGs for the gallery; may be empty.
  std::filesystem::path clips_to_continue;  ///< Data set whose clips are starts too; may be empty.
  std::string model = "overworld", dtype = "fp32";
  engine::WorldStart first_start;  ///< Of sessions that ask for none.
};

struct ApiRequest {
  std::string method, path, query, host, origin, authorization, body;
};
struct ApiResponse {
  int status = 200;
  std::string type = "application/json";
  std::string body;
  std::shared_ptr<const ClipFile> file = nullptr;  ///< Whose content is the body instead.
  /// When set, this is no answer yet: asked again now and then, it gives the answer.
  std::function<std::optional<ApiResponse>()> later = nullptr;
};

/// The HTTP routes, without the network. Owned by one thread.
class Api {
 public:
  Api(const ServeConfig& config, Players& players)
      : config_(config), players_(players), clips_(config.clips), videos_(ClipJobs::Limits()) {
    if (!config.clips_to_continue.empty()) dataset_.emplace(config.clips_to_continue);
  }

  /// Errors of the request become a status with `{"error": "..."}`.
  ApiResponse answer(const ApiRequest& request);

  /// The player whose stream the request may open, or nothing and the refusal.
  std::shared_ptr<Player> stream_player(const ApiRequest& request, ApiResponse& refusal);

  /// Every path and method that is answered.
  static std::span<const Route> routes();

 private:
  /// Thrown by handlers to answer with a refusal.
  struct Refused {
    ApiResponse answer;
  };

  /// A refusal of requests that come from foreign pages, foreign names or without the token.
  std::optional<ApiResponse> refuse(const ApiRequest& request, bool wants_token) const;
  ApiResponse route(const ApiRequest& request);

  // Handlers; the last argument is what stands for the route's `{name}`.
  ApiResponse page(const ApiRequest& request, const std::string& name);
  ApiResponse health(const ApiRequest& request, const std::string&);
  ApiResponse metrics(const ApiRequest& request, const std::string&);
  ApiResponse openapi(const ApiRequest& request, const std::string&);
  ApiResponse models(const ApiRequest& request, const std::string&);
  ApiResponse starts(const ApiRequest& request, const std::string&);
  ApiResponse start_picture(const ApiRequest& request, const std::string& name);
  ApiResponse create_session(const ApiRequest& request, const std::string&);
  ApiResponse show_session(const ApiRequest& request, const std::string& id);
  ApiResponse end_session(const ApiRequest& request, const std::string& id);
  ApiResponse reset_session(const ApiRequest& request, const std::string& id);
  ApiResponse undo_session(const ApiRequest& request, const std::string& id);
  ApiResponse recording(const ApiRequest& request, const std::string& id);
  ApiResponse video(const ApiRequest& request, const std::string& id);
  ApiResponse stream(const ApiRequest& request, const std::string& id);
  ApiResponse create_clip(const ApiRequest& request, const std::string&);
  ApiResponse show_clip(const ApiRequest& request, const std::string& id);
  ApiResponse clip_result(const ApiRequest& request, const std::string& id);
  ApiResponse end_clip(const ApiRequest& request, const std::string& id);

  std::vector<std::string> start_names() const;
  /// A few clips that can be gone on from, spread over the data set.
  std::vector<std::string> clip_names() const;
  /// The start that a body asks for, its pictures at the world's size.
  engine::WorldStart start_from(const nlohmann::json& body) const;
  /// The same, or a moment of another session.
  engine::SessionMoment moment_from(const nlohmann::json& body) const;
  std::shared_ptr<Player> player_of(const std::string& id) const;
  ClipStatus clip_of(const std::string& id) const;

  std::optional<data::Dataset> dataset_;  // Of `clips_to_continue`.
  const ServeConfig& config_;
  Players& players_;
  ClipJobs clips_;   // Of /v1/generate.
  ClipJobs videos_;  // Of sessions: they need no model, and don't wait behind clips.
  uint64_t num_requests_ = 0, num_sessions_ = 0, num_clips_ = 0, num_refused_ = 0;
};

/// `{"error": message}` with a status.
ApiResponse failure(int status, const std::string& message);
ApiResponse json_answer(int status, const nlohmann::ordered_json& body);

/// The request's body as a JSON object; an empty one is `{}`. Throws Error kFormat.
nlohmann::json parse_body(const ApiRequest& request);

/// The whole number from 0 at `name` of a body; `otherwise` when it is not there. Throws Error
/// kFormat.
uint64_t whole_number(const nlohmann::json& body, std::string_view name, uint64_t otherwise);

/// The value of `name` in "a=1&b=2"; empty when it is not there.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace mw::serve
