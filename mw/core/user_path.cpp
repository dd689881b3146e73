// SPDX-License-Identifier: Apache-2.0
#include "mw/core/user_path.h"

#include <cstdlib>

namespace mw {
namespace {

std::filesystem::path home() {
  const char* folder = std::getenv("HOME");
  return folder != nullptr ? folder : "/";
}

}  // namespace

std::filesystem::path user_path(std::string_view text) {
  if (text == "~") return home();
  if (text.starts_with("~/")) return home() / text.substr(2);
  return text;
}

std::filesystem::path cache_folder() {
  const char* base = std::getenv("XDG_CACHE_HOME");
  return (base != nullptr && *base != '\0' ? std::filesystem::path(base) : home() / ".cache") /
         "microworld";
}

}  // namespace mw
