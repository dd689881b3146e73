// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "mw/serve/routes.h"

namespace mw::serve {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchemas = R"({
  "Error": {
    "type": "object", "required": ["error"],
    "properties": {"error": {"type": "string", "description": "What and why."}}},
  "Health": {
    "type": "object", "required": ["status", "sessions"],
    "properties": {"status": {"const": "ok"}, "sessions": {"type": "integer"}}},
  "Models": {
    "type": "object", "required": ["models"],
    "properties": {"models": {"type": "array", "items": {
      "type": "object",
      "required": ["name", "task", "width", "height", "fps", "device", "reads_captions"],
      "properties": {
        "name": {"type": "string"}, "task": {"type": "string"},
        "width": {"type": "integer"}, "height": {"type": "integer"}, "fps": {"type": "number"},
        "device": {"type": "string"}, "reads_captions": {"type": "boolean"}}}}}},
  "Starts": {
    "type": "object", "required": ["starts"],
    "properties": {"starts": {"type": "array", "items": {
      "type": "object", "required": ["id", "kind", "url", "label"],
      "properties": {
        "id": {"type": "string"}, "kind": {"enum": ["image", "clip"]}, "url": {"type": "string"}, "label": {"type": "string"}}}}}},
  "Start": {
    "type": ["object", "null"], "description": "Where a world begins; null: as the server was told.",
    "properties": {
      "image": {"type": ["string", "null"], "description":
        "The id of a start, a data:image/...;base64,... URL of at most 32 megapixels, or null for an imagined frame."},
      "caption": {"type": "string", "default": ""},
      "seed": {"type": "integer", "minimum": 0, "default": 0},
      "pitch": {"type": "number", "minimum": -90, "maximum": 90, "default": 0,
        "description": "Degrees that the camera of the picture looks down."},
      "clip": {"type": ["string", "null"], "description":
        "Instead of a picture: a recorded clip to go on from."},
      "frame": {"type": ["integer", "null"], "minimum": 0, "description":
        "Where in the clip; by default at its end."}}},
  "SessionStart": {
    "oneOf": [{"$ref": "#/components/schemas/Start"}, {
      "type": "object", "required": ["session"],
      "description": "A branch of a session, which goes on by itself.",
      "properties": {
        "session": {"type": "string", "description": "Its id."},
        "seconds": {"type": "number", "minimum": 0, "maximum": 3600, "default": 0,
          "description": "How far back; rounded up to a whole second that is kept."}}}]},
  "NewSession": {
    "type": "object", "properties": {"start": {"$ref": "#/components/schemas/SessionStart"}}},
  "Session": {
    "type": "object", "required": ["id", "token", "width", "height", "fps", "ws"],
    "properties": {
      "id": {"type": "string"}, "token": {"type": "string"},
      "width": {"type": "integer"}, "height": {"type": "integer"}, "fps": {"type": "number"},
      "ws": {"type": "string", "description": "Path of the stream, with the session's token."}}},
  "SessionState": {
    "type": "object", "required": ["id", "width", "height", "fps", "frames"],
    "properties": {
      "id": {"type": "string"}, "width": {"type": "integer"}, "height": {"type": "integer"},
      "fps": {"type": "number"}, "frames": {"type": "integer"}}},
  "Accepted": {
    "type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
  "Undo": {
    "type": "object", "required": ["seconds"],
    "properties": {"seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 3600}}},
  "NewClip": {
    "type": "object", "required": ["actions"],
    "properties": {
      "start": {"$ref": "#/components/schemas/Start"},
      "actions": {"type": "string", "examples": ["w*16, right(4)*24"], "description":
        "Keys and mouse: a script, a list or JSON lines."},
      "frames": {"type": "integer", "minimum": 1, "description":
        "Length; by default that of the actions. The server has an upper bound."},
      "seed": {"type": "integer", "minimum": 0, "description": "Instead of the start's."},
      "overlay": {"type": "boolean", "default": false, "description":
        "Draw keys and mouse over the frames, which are enlarged until that can be read."}}},
  "NewClipAnswer": {
    "type": "object", "required": ["id", "status_url"],
    "properties": {"id": {"type": "string"}, "status_url": {"type": "string"}}},
  "Clip": {
    "type": "object", "required": ["status", "progress", "frames_done", "frames"],
    "properties": {
      "status": {"enum": ["queued", "running", "done", "failed", "cancelled"]},
      "progress": {"type": "number", "minimum": 0, "maximum": 1},
      "frames_done": {"type": "integer"}, "frames": {"type": "integer"},
      "error": {"type": "string"}}}
})";

std::string operation_id(const Route& route) {
  std::string id;
  for (const char c : std::string(route.method) + std::string(route.path)) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    const bool is_capital = c >= 'A' && c <= 'Z';
    if (is_letter || is_capital) {
      id += is_capital ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!id.empty() && id.back() != '_') {
      id += '_';
    }
  }
  if (id.back() == '_') id.pop_back();
  return id;
}

Json schema_of(std::string_view name) {
  return {{"$ref", "#/components/schemas/" + std::string(name)}};
}

Json answer_of(const RouteAnswer& answer) {
  Json described = {{"description", answer.what}};
  if (answer.type.empty()) return described;
  Json content = Json::object();
  if (!answer.schema.empty()) content["schema"] = schema_of(answer.schema);
  described["content"] = {{std::string(answer.type), content}};
  return described;
}

Json operation_of(const Route& route) {
  Json operation = {{"operationId", operation_id(route)}, {"summary", route.summary}};
  Json parameters = Json::array();
  const size_t open = route.path.find('{'), close = route.path.find('}');
  if (open != std::string_view::npos) {
    parameters.push_back({{"name", route.path.substr(open + 1, close - open - 1)},
                          {"in", "path"},
                          {"required", true},
                          {"schema", {{"type", "string"}}}});
  }
  for (const RouteParameter& parameter : route.query) {
    parameters.push_back({{"name", parameter.name},
                          {"in", "query"},
                          {"description", parameter.what},
                          {"schema", {{"type", "integer"}, {"minimum", 0}}}});
  }
  if (!parameters.empty()) operation["parameters"] = parameters;
  if (!route.body.empty()) {
    operation["requestBody"] = {
        {"content", {{"application/json", {{"schema", schema_of(route.body)}}}}}};
  }
  for (const RouteAnswer& answer : route.answers) {
    operation["responses"][std::to_string(answer.status)] = answer_of(answer);
  }
  operation["responses"]["default"] = answer_of({0, "Refused.", "application/json", "Error"});
  // An empty requirement: a server at a loopback address may want none.
  operation["security"] = Json::array();
  if (route.wants_token()) {
    operation["security"] = {
        {{"header", Json::array()}}, {{"query", Json::array()}}, Json::object()};
  }
  return operation;
}

}  // namespace

std::string openapi_document(std::span<const Route> routes) {
  Json document = {
      {"openapi", "3.1.0"},
      {"info",
       {{"title", "microworld"},
        {"version", MW_VERSION},
        {"description",
         "Live worlds: ask for a session, then play it over the WebSocket that the answer names."},
        {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
      {"servers", {{{"url", "/"}}}}};
  for (const Route& route : routes) {
    std::string method;
    for (const char c : route.method) method += static_cast<char>(c - 'A' + 'a');
    document["paths"][std::string(route.path)][method] = operation_of(route);
  }
  document["components"] = {{"securitySchemes",
                             {{"header", {{"type", "http"}, {"scheme", "bearer"}}},
                              {"query", {{"type", "apiKey"}, {"in", "query"}, {"name", "token"}}}}},
                            {"schemas", Json::parse(kSchemas)}};
  return document.dump(2) + "\n";
}

}  // namespace mw::serve
