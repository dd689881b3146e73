// SPDX-License-Identifier: Apache-2.0
#include "mw/serve/api.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "mw/core/error.h"
#include "mw/engine/recording.h"
#include "mw/io/mapped_file.h"
#include "mw/serve/page_files.h"
#include "mw/video/image_file.h"

namespace mw::serve {
namespace {

using Json = nlohmann::ordered_json;

ApiResponse json(int status, const Json& body) {
  return {.status = status, .type = "application/json", .body = body.dump() + "\n"};
}

ApiResponse failure(int status, const std::string& message) {
  return json(status, {{"error", message}});
}

/// Equal in a time that does not tell where they differ.
bool is_same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  }
  return difference == 0;
}

/// "example.org" of "example.org:8080".
std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const bool is_port =
      colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos;
  return is_port ? host.substr(0, colon) : host;
}

bool is_this_machine(std::string_view host) {
  return host == "127.0.0.1" || host == "localhost" || host == "[::1]" || host == "::1";
}

std::vector<std::string> start_names(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".png") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (part.size() > name.size() && part.starts_with(name) && part[name.size()] == '=') {
      return std::string(part.substr(name.size() + 1));
    }
  }
  return "";
}

std::optional<ApiResponse> Api::refuse(const ApiRequest& request, bool wants_token) const {
  // A page from elsewhere must not reach this server through its visitor's browser, neither by
  // asking across origins nor by giving this machine a name of its own.
  if (!request.origin.empty() && request.origin != "http://" + request.host &&
      request.origin != "https://" + request.host) {
    return failure(403, "requests from other pages are refused");
  }
  if (is_this_machine(config_.host) && !is_this_machine(without_port(request.host))) {
    return failure(403, "this server answers to localhost only");
  }
  if (!wants_token || config_.token.empty()) return std::nullopt;
  if (is_same_secret(request.authorization, "Bearer " + config_.token) ||
      is_same_secret(query_value(request.query, "token"), config_.token)) {
    return std::nullopt;
  }
  return failure(401, "a token is needed: Authorization: Bearer TOKEN, or ?token=TOKEN");
}

ApiResponse Api::answer(const ApiRequest& request) {
  ++num_requests_;
  try {
    return route(request);
  } catch (const Error& error) {
    const bool is_theirs =
        error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kInvalidArgument;
    return failure(is_theirs ? 400 : 500, error.what());
  } catch (const nlohmann::json::exception& error) {
    return failure(400, std::string("body: ") + error.what());
  }
}

ApiResponse Api::route(const ApiRequest& request) {
  const std::string& path = request.path;
  const bool is_api = path.starts_with("/v1/") || path == "/metrics";
  if (auto refusal = refuse(request, is_api)) return *refusal;
  const bool is_get = request.method == "GET" || request.method == "HEAD";
  if (path == "/v1/sessions" && request.method == "POST") return create(request);
  constexpr std::string_view kSessions = "/v1/sessions/", kStarts = "/v1/starts/";
  if (path.starts_with(kSessions)) {
    const std::string rest = path.substr(kSessions.size());
    const size_t slash = std::min(rest.find('/'), rest.size());
    const std::shared_ptr<Player> player = players_.find(rest.substr(0, slash));
    if (player == nullptr) return failure(404, "there is no such session");
    player->touch();
    return of_session(request, *player, std::string_view(rest).substr(slash));
  }
  if (!is_get) return failure(405, "wanted GET");
  if (path == "/healthz") return json(200, {{"status", "ok"}, {"sessions", players_.count()}});
  if (path == "/metrics") return metrics();
  if (path == "/v1/models") return models();
  if (path == "/v1/starts") return starts();
  if (path.starts_with(kStarts) && path.ends_with(".png")) {
    // Only names that are there, so a path can't lead out of the folder.
    const std::string name = path.substr(kStarts.size(), path.size() - kStarts.size() - 4);
    const std::vector<std::string> names = start_names(config_.starts);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return failure(404, "there is no such start");
    }
    const io::MappedFile file(config_.starts / (name + ".png"));
    const auto* data = reinterpret_cast<const char*>(file.bytes().data());
    return {.status = 200, .type = "image/png", .body = {data, file.bytes().size()}};
  }
  for (const PageFile& file : page_files()) {
    if (path == file.path || (path == "/" && file.path == "/index.html")) {
      return {.status = 200, .type = std::string(file.type), .body = std::string(file.content)};
    }
  }
  return failure(404, "there is nothing at " + quote_text(path));
}

engine::WorldStart Api::start_from(const std::string& body) const {
  const nlohmann::json given =
      body.empty() ? nlohmann::json::object() : nlohmann::json::parse(body);
  if (!given.is_object()) throw Error(ErrorCode::kFormat, "body: wanted a JSON object");
  const auto found = given.find("start");
  if (found == given.end() || found->is_null()) return config_.first_start;
  engine::WorldStart start;
  start.caption = found->value("caption", "");
  start.seed = found->value("seed", uint64_t{0});
  start.pitch = std::clamp(found->value("pitch", 0.0), -90.0, 90.0);
  const auto image = found->find("image");
  if (image == found->end() || image->is_null()) return start;
  const auto text = image->get<std::string>();
  if (text.starts_with("data:")) {
    start.image = engine::decode_data_url(text);
    return start;
  }
  const std::vector<std::string> names = start_names(config_.starts);
  if (std::find(names.begin(), names.end(), text) == names.end()) {
    throw Error(ErrorCode::kFormat, "start: there is no picture " + quote_text(text));
  }
  start.image = video::read_image(config_.starts / (text + ".png"));
  return start;
}

ApiResponse Api::create(const ApiRequest& request) {
  engine::WorldStart start = start_from(request.body);
  const std::shared_ptr<Player> player = players_.create();
  if (player == nullptr) {
    ++num_refused_;
    return failure(503, concat_message("full: ", players_.limit(), " sessions are being played"));
  }
  ++num_sessions_;
  engine::Session& session = player->session();
  if (!session.reads_captions()) start.caption.clear();
  session.start(start);
  return json(201, {{"id", player->id()},
                    {"token", player->token()},
                    {"width", session.width()},
                    {"height", session.height()},
                    {"fps", session.fps()},
                    {"ws", "/v1/sessions/" + player->id() + "/stream?token=" + player->token()}});
}

ApiResponse Api::of_session(const ApiRequest& request, Player& player, std::string_view verb) {
  engine::Session& session = player.session();
  if (request.method == "DELETE" && verb.empty()) {
    players_.remove(player.id());
    return {.status = 204, .type = "", .body = ""};
  }
  if (request.method == "GET" && verb.empty()) {
    return json(200, {{"id", player.id()},
                      {"width", session.width()},
                      {"height", session.height()},
                      {"fps", session.fps()},
                      {"frames", session.recorded_actions().num_frames()}});
  }
  if (request.method == "GET" && verb == "/recording.jsonl") {
    return {.status = 200,
            .type = "application/x-ndjson",
            .body = engine::to_json_lines({.model = config_.model,
                                           .dtype = config_.dtype,
                                           .start = session.recorded_start(),
                                           .actions = session.recorded_actions()})};
  }
  if (request.method == "POST" && verb == "/reset") {
    engine::WorldStart start = start_from(request.body);
    if (!session.reads_captions()) start.caption.clear();
    session.start(start);
    return json(202, {{"id", player.id()}});
  }
  if (request.method == "POST" && verb == "/undo") {
    const nlohmann::json body = nlohmann::json::parse(request.body);
    const double seconds = body.at("seconds").get<double>();
    if (!(seconds > 0 && seconds <= 3600)) throw Error(ErrorCode::kFormat, "seconds: 0 to 3600");
    session.undo(std::max<int64_t>(1, std::llround(seconds * session.fps())));
    return json(202, {{"id", player.id()}});
  }
  return failure(404, "a session has no " + quote_text(verb));
}

ApiResponse Api::models() const {
  const std::shared_ptr<const engine::SessionBackend> world = players_.example();
  return json(200, {{"models", Json::array({{{"name", config_.model},
                                             {"task", "i2w"},
                                             {"width", world->width()},
                                             {"height", world->height()},
                                             {"fps", world->fps()},
                                             {"device", "cpu"},
                                             {"reads_captions", world->reads_captions()}}})}});
}

ApiResponse Api::starts() const {
  Json list = Json::array();
  for (const std::string& name : start_names(config_.starts)) {
    list.push_back({{"id", name}, {"url", "/v1/starts/" + name + ".png"}, {"label", name}});
  }
  return json(200, {{"starts", list}});
}

ApiResponse Api::metrics() const {
  std::string text;
  const auto line = [&](const char* name, const char* kind, const char* help, uint64_t value) {
    text += concat_message("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n", name,
                           " ", value, "\n");
  };
  line("mw_sessions", "gauge", "Sessions now.", players_.count());
  line("mw_sessions_limit", "gauge", "Most sessions at a time.", players_.limit());
  line("mw_sessions_total", "counter", "Sessions so far.", num_sessions_);
  line("mw_sessions_refused_total", "counter", "Sessions refused for want of room.", num_refused_);
  line("mw_requests_total", "counter", "HTTP requests so far.", num_requests_);
  return {.status = 200, .type = "text/plain; version=0.0.4", .body = text};
}

std::shared_ptr<Player> Api::stream_player(const ApiRequest& request, ApiResponse& refusal) {
  constexpr std::string_view kBefore = "/v1/sessions/", kAfter = "/stream";
  const std::string& path = request.path;
  // The session's own token stands for the server's: only who passed that got it.
  if (auto refused = refuse(request, false)) {
    refusal = *refused;
    return nullptr;
  }
  std::shared_ptr<Player> player;
  if (path.starts_with(kBefore) && path.ends_with(kAfter)) {
    player =
        players_.find(path.substr(kBefore.size(), path.size() - kBefore.size() - kAfter.size()));
  }
  if (player == nullptr) {
    refusal = failure(404, "there is no such session");
  } else if (!is_same_secret(query_value(request.query, "token"), player->token())) {
    refusal = failure(401, "the token of the session is needed: ?token=TOKEN");
    player = nullptr;
  }
  return player;
}

}  // namespace mw::serve
