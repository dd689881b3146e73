// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mw::serve {

class Api;
struct ApiRequest;
struct ApiResponse;

/// What a route may answer.
struct RouteAnswer {
  int status;
  std::string_view what;
  std::string_view type = {};    ///< Media type of the body; empty for none.
  std::string_view schema = {};  ///< Of a JSON body: a name in `components` of /openapi.json.
};

struct RouteParameter {
  std::string_view name, what;
};

/// One method of one path: how it is answered, and how /openapi.json describes it. A path has at
/// most one `{name}`, which stands for text without a slash.
struct Route {
  using Handler = ApiResponse (Api::*)(const ApiRequest& request, const std::string& name);

  std::string_view method, path, summary;
  Handler handler;
  std::vector<RouteAnswer> answers;
  std::string_view body = {};              ///< Schema of the request's JSON; empty for none.
  std::vector<RouteParameter> query = {};  ///< Optional whole numbers.

  /// Whether the server's token is wanted.
  bool wants_token() const { return path.starts_with("/v1/") || path == "/metrics"; }
  /// What stands for `{name}` (empty where there is none), or nothing when `asked` is another path.
  std::optional<std::string> match(std::string_view asked) const;
};

/// The OpenAPI 3.1 document of the routes, as JSON.
std::string openapi_document(std::span<const Route> routes);

}  // namespace mw::serve
