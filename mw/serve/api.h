// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "mw/serve/players.h"

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
  std::filesystem::path starts;  ///< Folder of PNGs for the gallery; may be empty.
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
};

/// The HTTP routes, without the network. Owned by one thread.
class Api {
 public:
  Api(const ServeConfig& config, Players& players) : config_(config), players_(players) {}

  /// Errors of the request become a status with `{"error": "..."}`.
  ApiResponse answer(const ApiRequest& request);

  /// The player whose stream the request may open, or nothing and the refusal.
  std::shared_ptr<Player> stream_player(const ApiRequest& request, ApiResponse& refusal);

 private:
  /// A refusal of requests that come from foreign pages, foreign names or without the token.
  std::optional<ApiResponse> refuse(const ApiRequest& request, bool wants_token) const;
  ApiResponse route(const ApiRequest& request);
  ApiResponse create(const ApiRequest& request);
  ApiResponse of_session(const ApiRequest& request, Player& player, std::string_view verb);
  ApiResponse models() const;
  ApiResponse starts() const;
  ApiResponse metrics() const;
  engine::WorldStart start_from(const std::string& body) const;

  const ServeConfig& config_;
  Players& players_;
  uint64_t num_requests_ = 0, num_sessions_ = 0, num_refused_ = 0;
};

/// The value of `name` in "a=1&b=2"; empty when it is not there.
std::string query_value(std::string_view query, std::string_view name);

}  // namespace mw::serve
