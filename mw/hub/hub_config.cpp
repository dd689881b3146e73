// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/hub_config.h"

#include <cstdlib>
#include <fstream>

#include "mw/core/error.h"
#include "mw/core/user_path.h"

namespace mw::hub {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

std::string trimmed(const std::string& text) {
  constexpr const char* kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  return begin == std::string::npos
             ? std::string()
             : text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::filesystem::path path_or(const char* name, const std::filesystem::path& otherwise) {
  const std::string value = variable(name);
  return value.empty() ? otherwise : user_path(value);
}

std::string first_line(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

}  // namespace

HubConfig HubConfig::from_environment() {
  HubConfig config;
  if (const std::string endpoint = trimmed(variable("HF_ENDPOINT")); !endpoint.empty()) {
    config.endpoint = endpoint.substr(0, endpoint.find_last_not_of('/') + 1);
    if (!config.endpoint.starts_with("http://") && !config.endpoint.starts_with("https://")) {
      throw Error(ErrorCode::kConfig,
                  "HF_ENDPOINT: wanted an address like https://huggingface.co, got " +
                      quote_text(endpoint));
    }
  }
  const std::filesystem::path home =
      path_or("HF_HOME", path_or("XDG_CACHE_HOME", user_path("~/.cache")) / "huggingface");
  config.cache = path_or("HF_HUB_CACHE", home / "hub");
  config.token = trimmed(variable("HF_TOKEN"));
  if (config.token.empty())
    config.token = trimmed(first_line(path_or("HF_TOKEN_PATH", home / "token")));
  if (config.token.find_first_of("\r\n") != std::string::npos) {
    throw Error(ErrorCode::kConfig, "HF_TOKEN: wanted one line, got several");
  }
  const std::string offline = variable("HF_HUB_OFFLINE");
  config.is_offline = !offline.empty() && offline != "0";
  return config;
}

}  // namespace mw::hub
