// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/listing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mw/core/error.h"

namespace mw::hub {
namespace {

constexpr size_t kSha1Digits = 40, kSha256Digits = 64;
constexpr size_t kMaxPart = 200;  // File names end at 255 bytes, and ours are made from them.
constexpr size_t kMaxPath = 1024;
constexpr int64_t kMaxFile = int64_t{1} << 50;

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '.' || c == '_';
}

Error bad_answer(const std::string& source, const std::string& reason) {
  return Error(ErrorCode::kFormat, source + ": the answer is not that of a hub: " + reason);
}

nlohmann::json parsed(std::string_view text, const std::string& source) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) throw bad_answer(source, "no JSON");
  return json;
}

std::string text_field(const nlohmann::json& entry, const char* name) {
  const auto found = entry.find(name);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : std::string();
}

RemoteFile file_of(const nlohmann::json& entry, const std::string& source) {
  RemoteFile file;
  file.path = text_field(entry, "path");
  if (!is_safe_path(file.path)) {
    throw bad_answer(source, "the path " + quote_text(file.path) + " leads out of the folder");
  }
  const auto size = entry.find("size");
  if (size == entry.end() || !size->is_number_integer() || size->get<int64_t>() < 0 ||
      size->get<int64_t>() > kMaxFile) {
    throw bad_answer(source, "no size for " + quote_text(file.path));
  }
  file.size = size->get<int64_t>();
  const auto lfs = entry.find("lfs");
  const bool is_large = lfs != entry.end() && lfs->is_object();
  file.kind = is_large ? Digest::Kind::kSha256 : Digest::Kind::kSha1;
  file.digest = text_field(is_large ? *lfs : entry, "oid");
  if (!is_hex(file.digest, is_large ? kSha256Digits : kSha1Digits)) {
    throw bad_answer(source, "no checksum for " + quote_text(file.path));
  }
  return file;
}

}  // namespace

Digest RemoteFile::start_digest() const {
  Digest start(kind);
  if (kind == Digest::Kind::kSha1) {
    // git's name of a file is the digest of this line, a zero byte and the content.
    const std::string line = "blob " + std::to_string(size) + '\0';
    start.update(std::as_bytes(std::span(line)));
  }
  return start;
}

bool is_safe_path(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath) return false;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\') return false;
  }
  while (true) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxPart) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_repository_name(std::string_view name) {
  const size_t slash = name.find('/');
  if (slash == std::string_view::npos || !is_safe_path(name)) return false;
  return std::all_of(name.begin(), name.end(), [](char c) { return is_plain(c) || c == '/'; }) &&
         name.find('/', slash + 1) == std::string_view::npos;
}

std::vector<RemoteFile> parse_tree(std::string_view text, const std::string& source) {
  const nlohmann::json json = parsed(text, source);
  if (!json.is_array()) throw bad_answer(source, "wanted a list of files");
  std::vector<RemoteFile> files;
  for (const nlohmann::json& entry : json) {
    if (!entry.is_object()) throw bad_answer(source, "wanted a list of objects");
    if (text_field(entry, "type") == "file") files.push_back(file_of(entry, source));
  }
  return files;
}

std::string parse_commit(std::string_view text, const std::string& source) {
  const nlohmann::json json = parsed(text, source);
  std::string commit = json.is_object() ? text_field(json, "sha") : std::string();
  if (!is_hex(commit, kSha1Digits)) throw bad_answer(source, "it names no commit");
  return commit;
}

std::string next_link(std::string_view header) {
  while (true) {
    const size_t begin = header.find('<'), end = header.find('>');
    if (begin == std::string_view::npos || end == std::string_view::npos || end < begin) return {};
    const size_t comma = header.find(',', end);
    if (header.substr(end, comma - end).find("rel=\"next\"") != std::string_view::npos) {
      return std::string(header.substr(begin + 1, end - begin - 1));
    }
    if (comma == std::string_view::npos) return {};
    header.remove_prefix(comma + 1);
  }
}

std::string percent_encoded(std::string_view text, bool keep_slashes) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    if (is_plain(c) || c == '~' || (keep_slashes && c == '/')) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += '%';
      encoded += kDigits[byte >> 4];
      encoded += kDigits[byte & 15];
    }
  }
  return encoded;
}

}  // namespace mw::hub
