// SPDX-License-Identifier: Apache-2.0
// Who may ask, which handler answers, and the handlers that know no session.
#include "mw/serve/api.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "mw/core/error.h"
#include "mw/engine/clip_start.h"
#include "mw/io/mapped_file.h"
#include "mw/serve/page_files.h"
#include "mw/video/image_file.h"

namespace mw::serve {
namespace {

using Json = nlohmann::ordered_json;

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

}  // namespace

ApiResponse json_answer(int status, const Json& body) {
  // Text of a request may be in it, which may be no UTF-8.
  return {.status = status,
          .type = "application/json",
          .body = body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"};
}

ApiResponse failure(int status, const std::string& message) {
  return json_answer(status, {{"error", message}});
}

nlohmann::json parse_body(const ApiRequest& request) {
  constexpr int kMaxDepth = 16;  // Millions of levels would take seconds.
  const auto check_depth = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > kMaxDepth) throw Error(ErrorCode::kFormat, "body: nested too deep");
    return true;
  };
  nlohmann::json body = request.body.empty() ? nlohmann::json::object()
                                             : nlohmann::json::parse(request.body, check_depth);
  if (!body.is_object()) throw Error(ErrorCode::kFormat, "body: wanted a JSON object");
  return body;
}

uint64_t whole_number(const nlohmann::json& body, std::string_view name, uint64_t otherwise) {
  const auto found = body.find(name);
  if (found == body.end()) return otherwise;
  if (!found->is_number_unsigned()) {  // Others would be converted, to something else.
    throw Error(ErrorCode::kFormat, std::string(name) + ": wanted a whole number from 0, got " +
                                        quote_text(found->dump()));
  }
  return found->get<uint64_t>();
}

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
  } catch (const Refused& refused) {
    return refused.answer;
  } catch (const Error& error) {
    const bool is_theirs =
        error.code() == ErrorCode::kFormat || error.code() == ErrorCode::kInvalidArgument;
    return failure(is_theirs ? 400 : 500, error.what());
  } catch (const nlohmann::json::exception& error) {
    return failure(400, std::string("body: ") + error.what());
  } catch (const std::exception& error) {  // No request may end the server.
    return failure(500, error.what());
  }
}

ApiResponse Api::route(const ApiRequest& request) {
  const bool is_api = request.path.starts_with("/v1/") || request.path == "/metrics";
  if (auto refusal = refuse(request, is_api)) return *refusal;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::string others;  // Methods that this path does have.
  for (const Route& one : routes()) {
    const std::optional<std::string> name = one.match(request.path);
    if (!name) continue;
    if (method == one.method) return (this->*one.handler)(request, *name);
    others += (others.empty() ? "" : " or ") + std::string(one.method);
  }
  if (!others.empty()) return failure(405, "wanted " + others);
  return failure(404, "there is nothing at " + quote_text(request.path));
}

ApiResponse Api::page(const ApiRequest& request, const std::string&) {
  const std::string path = request.path == "/" ? "/index.html" : request.path;
  for (const PageFile& file : page_files()) {
    if (path == file.path) {
      return {.status = 200, .type = std::string(file.type), .body = std::string(file.content)};
    }
  }
  return failure(404, "there is nothing at " + quote_text(request.path));
}

ApiResponse Api::health(const ApiRequest&, const std::string&) {
  return json_answer(200, {{"status", "ok"}, {"sessions", players_.count()}});
}

ApiResponse Api::openapi(const ApiRequest&, const std::string&) {
  static const std::string document = openapi_document(routes());
  return {.status = 200, .type = "application/json", .body = document};
}

ApiResponse Api::models(const ApiRequest&, const std::string&) {
  const std::shared_ptr<const engine::SessionBackend> world = players_.example();
  return json_answer(200,
                     {{"models", Json::array({{{"name", config_.model},
                                               {"task", "i2w"},
                                               {"width", world->width()},
                                               {"height", world->height()},
                                               {"fps", world->fps()},
                                               {"device", "cpu"},
                                               {"reads_captions", world->reads_captions()}}})}});
}

std::vector<std::string> Api::start_names() const {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(config_.starts, ignored)) {
    if (entry.path().extension() == ".png") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> Api::clip_names() const {
  constexpr size_t kMost = 4;
  if (!dataset_) return {};
  const std::vector<std::string>& all = dataset_->ids();
  std::vector<std::string> names;
  const size_t count = std::min(kMost, all.size());
  for (size_t i = 0; i < count; ++i) names.push_back(all[i * all.size() / count]);
  return names;
}

ApiResponse Api::starts(const ApiRequest&, const std::string&) {
  Json list = Json::array();
  const auto add = [&](const std::string& name, const char* kind, const std::string& label) {
    list.push_back(
        {{"id", name}, {"kind", kind}, {"url", "/v1/starts/" + name + ".png"}, {"label", label}});
  };
  for (const std::string& name : start_names()) add(name, "image", name);
  const std::vector<std::string> clips = clip_names();
  for (size_t i = 0; i < clips.size(); ++i) add(clips[i], "clip", concat_message("clip ", i + 1));
  return json_answer(200, {{"starts", list}});
}

ApiResponse Api::start_picture(const ApiRequest&, const std::string& name) {
  // Only names that are there, so a path can't lead out of the folder.
  const std::vector<std::string> names = start_names(), clips = clip_names();
  if (std::find(clips.begin(), clips.end(), name) != clips.end()) {
    const engine::WorldStart start = engine::start_from_clip(dataset_->clip(name));
    const std::vector<std::byte> png =
        video::encode_png(start.recorded.empty() ? *start.image : start.recorded.back().image);
    return {.status = 200,
            .type = "image/png",
            .body = {reinterpret_cast<const char*>(png.data()), png.size()}};
  }
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    return failure(404, "there is no such start");
  }
  const io::MappedFile file(config_.starts / (name + ".png"));
  const auto* data = reinterpret_cast<const char*>(file.bytes().data());
  return {.status = 200, .type = "image/png", .body = {data, file.bytes().size()}};
}

ApiResponse Api::metrics(const ApiRequest&, const std::string&) {
  std::string text;
  const auto line = [&](const char* name, const char* kind, const char* help, uint64_t value) {
    text += concat_message("# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n", name,
                           " ", value, "\n");
  };
  line("mw_sessions", "gauge", "Sessions now.", players_.count());
  line("mw_sessions_limit", "gauge", "Most sessions at a time.", players_.limit());
  line("mw_sessions_total", "counter", "Sessions so far.", num_sessions_);
  line("mw_sessions_refused_total", "counter", "Sessions and clips refused for want of room.",
       num_refused_);
  line("mw_clips", "gauge", "Clips that wait or are made now.", clips_.num_active());
  line("mw_clips_total", "counter", "Clips asked for so far.", num_clips_);
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
