// SPDX-License-Identifier: Apache-2.0
#include "mw/data/dataset_info.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "mw/core/error.h"
#include "mw/data/line_log.h"
#include "mw/io/atomic_file.h"
#include "mw/io/mapped_file.h"

namespace mw::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kLayoutVersion = 1;
constexpr size_t kMaxIdLength = 200;

json parse_object(const fs::path& path) {
  const io::MappedFile file(path);
  const auto* text = reinterpret_cast<const char*>(file.bytes().data());
  json value =
      file.bytes().empty() ? json() : json::parse(text, text + file.bytes().size(), nullptr, false);
  if (!value.is_object()) throw Error(ErrorCode::kFormat, "wanted a JSON object");
  return value;
}

/// Runs `read` on the file's object and names the file in what goes wrong.
template <class Read>
auto read_json(const fs::path& path, const Read& read) {
  const json object = [&] {
    try {
      return parse_object(path);
    } catch (const Error& error) {
      if (error.code() == ErrorCode::kIo) throw;
      throw Error(error.code(), "'" + path.string() + "': " + error.what());
    }
  }();
  try {
    return read(object);
  } catch (const json::exception&) {
    throw Error(ErrorCode::kFormat,
                "'" + path.string() + "': a field is missing or of another type");
  } catch (const Error& error) {
    throw Error(error.code(), "'" + path.string() + "': " + error.what());
  }
}

std::string written(const nlohmann::ordered_json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace

DatasetInfo read_info(const fs::path& path) {
  return read_json(path, [](const json& object) {
    DatasetInfo info;
    info.version = object.at("version").get<int>();
    if (info.version != kLayoutVersion) {
      throw Error(ErrorCode::kFormat, concat_message("layout version ", info.version,
                                                     ", this program reads ", kLayoutVersion));
    }
    info.name = object.at("name").get<std::string>();
    info.fps = object.at("fps").get<double>();
    info.width = object.at("width").get<int>();
    info.height = object.at("height").get<int>();
    info.license = object.at("license").get<std::string>();
    info.made_by = object.at("made_by").get<std::map<std::string, std::string>>();
    if (!(info.fps > 0 && info.fps <= 1000) || info.width < 1 || info.height < 1) {
      throw Error(ErrorCode::kFormat, "'fps', 'width' and 'height' must be positive");
    }
    return info;
  });
}

void write_info(const fs::path& path, const DatasetInfo& info) {
  nlohmann::ordered_json object;
  object["version"] = info.version;
  object["name"] = info.name;
  object["fps"] = info.fps;
  object["width"] = info.width;
  object["height"] = info.height;
  object["license"] = info.license;
  object["made_by"] = info.made_by;
  io::write_file(path, written(object));
}

Splits read_splits(const fs::path& path) {
  return read_json(path, [](const json& object) {
    Splits splits = object.get<Splits>();
    for (const auto& [name, ids] : splits) {
      for (const std::string& id : ids) check_clip_id(id);
    }
    return splits;
  });
}

void write_splits(const fs::path& path, const Splits& splits) {
  io::write_file(path, written(nlohmann::ordered_json(splits)));
}

std::map<std::string, std::string> read_captions(const fs::path& path) {
  std::map<std::string, std::string> captions;
  const std::vector<std::string> lines = read_lines(path);
  for (size_t i = 0; i < lines.size(); ++i) {
    const json line = json::parse(lines[i], nullptr, false);
    const bool is_caption = line.is_object() && line.contains("id") && line["id"].is_string() &&
                            line.contains("caption") && line["caption"].is_string();
    if (!is_caption) {
      throw Error(ErrorCode::kFormat, concat_message("'", path.string(), "' line ", i + 1,
                                                     ": wanted {\"id\":...,\"caption\":...}"));
    }
    captions[line["id"].get<std::string>()] = line["caption"].get<std::string>();
  }
  return captions;
}

void append_caption(const fs::path& path, const std::string& id, const std::string& caption) {
  nlohmann::ordered_json line;
  line["id"] = id;
  line["caption"] = caption;
  append_line(path, line.dump(-1, ' ', false, json::error_handler_t::replace));
}

void check_clip_id(const std::string& id) {
  const bool is_plain = !id.empty() && id.size() <= kMaxIdLength && id[0] != '.' &&
                        std::all_of(id.begin(), id.end(), [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
                        });
  MW_CHECK(is_plain, "clip id ", quote_text(id),
           " must be letters, digits, '.', '_' or '-', at most 200, not opening with '.'");
}

}  // namespace mw::data
