// SPDX-License-Identifier: Apache-2.0
// /openapi.json, what the server does, and docs/protocol.md say the same.
#include <algorithm>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <regex>
#include <set>

#include "mw/video/image_file.h"
#include "tests/serve/loopback.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::serve {
namespace {

using nlohmann::json;

class OpenApiTest : public ServerTest {
 protected:
  json document() { return json::parse(ask(http::verb::get, "/openapi.json").body()); }
};

TEST_F(OpenApiTest, EveryOperationIsAnsweredAsItSays) {
  const test::ScratchFolder folder;
  config_.starts = folder.path();
  video::write_png(folder / "hills.png", test::smooth_picture(48, 32, 0));
  serve();
  const json session = new_session();
  {
    Client client(connect(), host(), session.at("ws"));
    client.frame();
  }
  const json clip =
      json::parse(ask(http::verb::post, "/v1/generate", R"({"actions":"w*2"})").body());
  wait_clip(clip.at("id"));
  struct Operation {
    std::string method, path;
    json described;
  };
  std::vector<Operation> operations;
  const json all = document();
  for (const auto& [path, methods] : all.at("paths").items()) {
    for (const auto& [method, described] : methods.items()) {
      operations.push_back({method, path, described});
    }
  }
  // Ends come last.
  std::stable_partition(operations.begin(), operations.end(),
                        [](const Operation& one) { return one.method != "delete"; });
  const std::map<std::string, std::string> bodies = {
      {"Undo", R"({"seconds":1})"}, {"NewClip", R"({"actions":"w"})"}, {"NewSession", "{}"}};
  for (const Operation& one : operations) {
    std::string target = one.path;
    std::string id = session.at("id");
    if (target.starts_with("/v1/generate")) id = clip.at("id");
    if (target.starts_with("/v1/starts")) id = "hills";
    target = std::regex_replace(target, std::regex("\\{id\\}"), id);
    target = std::regex_replace(target, std::regex("\\{name\\}"), "app.js");
    std::string body;
    if (one.described.contains("requestBody")) {
      const std::string schema =
          one.described["requestBody"]["content"]["application/json"]["schema"]["$ref"];
      body = bodies.at(schema.substr(schema.rfind('/') + 1));
    }
    std::string verb = one.method;
    std::transform(verb.begin(), verb.end(), verb.begin(), ::toupper);
    const auto answer = ask(http::string_to_verb(verb), target, body);
    const std::string what = verb + " " + target + ": " + std::to_string(answer.result_int());
    EXPECT_NE(answer.result_int(), 404U) << what;
    EXPECT_NE(answer.result_int(), 405U) << what;
    const json& answers = one.described.at("responses");
    const std::string status = std::to_string(answer.result_int());
    ASSERT_TRUE(answers.contains(status)) << what;
    if (!answers[status].contains("content")) continue;
    const auto [type, content] = *answers[status]["content"].items().begin();
    EXPECT_EQ(answer[http::field::content_type], type) << what;
    if (!content.contains("schema")) continue;
    // Every field that is promised is there, and no other.
    const std::string name = content["schema"]["$ref"];
    const json& schema = all["components"]["schemas"][name.substr(name.rfind('/') + 1)];
    const json given = json::parse(answer.body());
    for (const json& field : schema.at("required")) {
      EXPECT_TRUE(given.contains(field.get<std::string>())) << what << ": " << field;
    }
    for (const auto& [field, value] : given.items()) {
      EXPECT_TRUE(schema["properties"].contains(field)) << what << ": " << field;
    }
  }
  EXPECT_EQ(ask(http::verb::put, "/v1/sessions").result_int(), 405U);
  EXPECT_EQ(ask(http::verb::get, "/v1/nothing").result_int(), 404U);
  EXPECT_EQ(ask(http::verb::get, "/v1/sessions/a/b/recording.jsonl").result_int(), 404U);
}

/// Calls `see` with every object of a document.
void walk(const json& value, const std::function<void(const json&)>& see) {
  if (value.is_object()) see(value);
  if (value.is_structured()) {
    for (const json& part : value) walk(part, see);
  }
}

TEST_F(OpenApiTest, TheDocumentIsSound) {
  serve();
  const json all = document();
  EXPECT_EQ(all.at("openapi"), "3.1.0");
  EXPECT_TRUE(all.at("info").at("title").is_string());
  EXPECT_TRUE(all.at("info").at("version").is_string());
  EXPECT_TRUE(all.at("servers").is_array());
  walk(all, [&](const json& object) {
    if (!object.contains("$ref")) return;
    const std::string target = object["$ref"];
    EXPECT_TRUE(all.contains(json::json_pointer(target.substr(1)))) << target;
  });
  std::set<std::string> names;
  for (const auto& [path, methods] : all.at("paths").items()) {
    for (const auto& [method, one] : methods.items()) {
      EXPECT_TRUE(names.insert(one.at("operationId")).second) << one;
      EXPECT_FALSE(one.at("summary").get<std::string>().empty());
      size_t in_path = 0;
      for (const json& parameter : one.value("parameters", json::array())) {
        if (parameter.at("in") != "path") continue;
        ++in_path;
        EXPECT_TRUE(parameter.at("required"));
        const std::string name = parameter.at("name");
        EXPECT_NE(path.find("{" + name + "}"), std::string::npos) << path;
      }
      EXPECT_EQ(in_path, static_cast<size_t>(std::count(path.begin(), path.end(), '{'))) << path;
      for (const json& answer : one.at("responses")) EXPECT_TRUE(answer.contains("description"));
      for (const json& way : one.at("security")) {
        for (const auto& [scheme, scopes] : way.items()) {
          EXPECT_TRUE(all["components"]["securitySchemes"].contains(scheme));
          EXPECT_TRUE(scopes.is_array());
        }
      }
    }
  }
}

/// "GET /v1/sessions/*" of "GET /v1/sessions/{id}" and of "GET /v1/sessions/ID".
std::string shape_of(const std::string& operation) {
  const size_t space = operation.find(' ');
  return operation.substr(0, space) +
         std::regex_replace(
             std::regex_replace(operation.substr(space), std::regex("\\{\\w+\\}"), "*"),
             std::regex("/[A-Z]+(?=[/.]|$)"), "/*");
}

TEST_F(OpenApiTest, TheDocumentsTableHasTheSameRoutes) {
  std::ifstream in(std::string(MW_SOURCE_DIR) + "/docs/protocol.md");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  std::set<std::string> documented, described;
  const std::regex operation("`((?:GET|POST|DELETE) /[^`?]*)[^`]*`");
  const std::regex row("\\| `[^|]*\\|");
  for (std::sregex_iterator it(text.begin(), text.end(), row), end; it != end; ++it) {
    const std::string cell = it->str();
    for (std::sregex_iterator one(cell.begin(), cell.end(), operation); one != end; ++one) {
      documented.insert(shape_of((*one)[1]));
    }
  }
  serve();
  const json all = document();
  for (const auto& [path, methods] : all.at("paths").items()) {
    for (const auto& [method, one] : methods.items()) {
      std::string verb = method;
      std::transform(verb.begin(), verb.end(), verb.begin(), ::toupper);
      described.insert(shape_of(verb + " " + path));
    }
  }
  EXPECT_EQ(documented, described);
}

}  // namespace
}  // namespace mw::serve
