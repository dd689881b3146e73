// SPDX-License-Identifier: Apache-2.0
#include "mw/io/shard_index.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string_view>

#include "mw/core/error.h"
#include "mw/io/safetensors_header.h"

namespace mw::io {
namespace {

bool is_plain_name(const std::string& name) {
  return name.size() > std::string_view(".safetensors").size() && name[0] != '.' &&
         name.ends_with(".safetensors") && name.find_first_of(std::string("/\\\0", 3)) == name.npos;
}

/// Receives the JSON piece by piece: tensors given twice are seen, and nothing else is kept.
class IndexBuilder {
 public:
  explicit IndexBuilder(ShardIndex& index) : index_(index) {}

  bool has_weight_map() const { return has_weight_map_; }

  // NOLINTBEGIN(readability-identifier-naming): the names are nlohmann's SAX interface.
  bool null() { return scalar(); }
  bool boolean(bool /*value*/) { return scalar(); }
  bool number_integer(int64_t /*value*/) { return scalar(); }
  bool number_unsigned(uint64_t /*value*/) { return scalar(); }
  bool number_float(double /*value*/, const std::string& /*text*/) { return scalar(); }
  bool binary(std::vector<uint8_t>& /*value*/) { return scalar(); }
  bool string(std::string& value) {
    if (!is_in_map()) return scalar();
    if (!is_plain_name(value)) {
      refuse(quote_text(value) + " is not the name of a .safetensors file in the same folder");
    }
    if (!tensors_.insert(key_).second) refuse("tensor " + quote_text(key_) + " is given twice");
    index_[value].insert(key_);
    return true;
  }
  bool start_object(size_t /*size*/) {
    if (depth_ == 1 && key_ == "weight_map") {
      if (has_weight_map_) refuse("'weight_map' is given twice");
      has_weight_map_ = true;
      map_depth_ = 2;
    } else if (is_in_map()) {
      refuse("'weight_map' must give a file name for " + quote_text(key_));
    }
    ++depth_;
    return true;
  }
  bool end_object() {
    if (--depth_ < map_depth_) map_depth_ = kNever;
    return true;
  }
  bool start_array(size_t /*size*/) {
    if (depth_ == 0 || is_in_map() || (depth_ == 1 && key_ == "weight_map")) return scalar();
    ++depth_;
    return true;
  }
  bool end_array() {
    --depth_;
    return true;
  }
  bool key(std::string& value) {
    if (depth_ == 1 || is_in_map()) key_ = std::move(value);
    return true;
  }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    refuse(concat_message("not JSON at byte ", position));
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  static constexpr int kNever = 1 << 30;

  [[noreturn]] static void refuse(const std::string& what) {
    throw Error(ErrorCode::kFormat, what);
  }
  bool is_in_map() const { return depth_ == map_depth_; }
  bool scalar() const {
    if (depth_ == 0 || (depth_ == 1 && key_ == "weight_map")) {
      refuse("wanted a JSON object with an object 'weight_map'");
    }
    if (is_in_map()) refuse("'weight_map' must give a file name for " + quote_text(key_));
    return true;
  }

  ShardIndex& index_;
  std::set<std::string> tensors_;
  std::string key_;
  int depth_ = 0;  // Of objects and lists that are open.
  int map_depth_ = kNever;
  bool has_weight_map_ = false;
};

ShardIndex parse_checked(std::span<const std::byte> json) {
  if (json.empty() || json.size() > kMaxSafetensorsHeader) {
    throw Error(ErrorCode::kFormat, "its size is not that of an index");
  }
  const auto* text = reinterpret_cast<const char*>(json.data());
  ShardIndex index;
  IndexBuilder builder(index);
  nlohmann::json::sax_parse(text, text + json.size(), &builder);
  if (!builder.has_weight_map()) {
    throw Error(ErrorCode::kFormat, "wanted a JSON object with an object 'weight_map'");
  }
  if (index.empty()) throw Error(ErrorCode::kFormat, "'weight_map' names no file");
  return index;
}

}  // namespace

ShardIndex parse_shard_index(std::span<const std::byte> json, const std::string& name) {
  try {
    return parse_checked(json);
  } catch (const Error& error) {
    throw Error(error.code(), "index '" + name + "': " + error.what());
  }
}

}  // namespace mw::io
