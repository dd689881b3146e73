// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mw {

/// Settings as flat `section.key` -> literal text, from a TOML file and then from overrides.
///
/// A config is a struct whose defaults are its documentation and whose `visit(field)` names each
/// member once: `field("steps", steps, "Denoising steps.")`, nested structs by
/// `field.section("sampler", sampler)`. Supported members: bool, int64_t, double, std::string,
/// std::vector<int64_t>.
class ConfigSource {
 public:
  /// Reads a TOML file. Throws Error kIo when it can't be read, kConfig with the line otherwise.
  static ConfigSource from_file(const std::filesystem::path& path);

  /// Applies one `--set section.key=value`. Throws Error kConfig when there is no `=`.
  void set(std::string_view assignment);

  /// Fills `config` from this source. Throws Error kConfig for an unknown key (naming the nearest
  /// known one) and for a value of the wrong type.
  template <class Config>
  void apply_to(Config& config) const;

 private:
  class Reader;
  friend class Reader;
  std::map<std::string, std::string> values_;  // Scalars as text; lists as "1,2,3".
};

/// Walks a config's fields to fill them and remembers which keys it met.
class ConfigSource::Reader {
 public:
  explicit Reader(const std::map<std::string, std::string>& values) : values_(values) {}

  template <class Value>
  void operator()(const char* name, Value& value, const char* /*help*/) {
    known_.push_back(prefix_ + name);
    const auto found = values_.find(known_.back());
    if (found != values_.end()) assign(found->first, found->second, value);
  }
  template <class Config>
  void section(const char* name, Config& config) {
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    config.visit(*this);
    prefix_ = outer;
  }
  /// Throws Error kConfig for the first key that no field claimed.
  void check_all_known() const;

 private:
  static void assign(const std::string& key, const std::string& text, bool& value);
  static void assign(const std::string& key, const std::string& text, int64_t& value);
  static void assign(const std::string& key, const std::string& text, double& value);
  static void assign(const std::string& key, const std::string& text, std::string& value);
  static void assign(const std::string& key, const std::string& text, std::vector<int64_t>& value);

  const std::map<std::string, std::string>& values_;
  std::vector<std::string> known_;
  std::string prefix_;
};

template <class Config>
void ConfigSource::apply_to(Config& config) const {
  Reader reader(values_);
  config.visit(reader);
  reader.check_all_known();
}

/// Prints a config as TOML-like `key = value  # help` lines, for `--help-config` and run records.
class ConfigPrinter {
 public:
  template <class Config>
  static std::string print(Config& config) {
    ConfigPrinter printer;
    config.visit(printer);
    return printer.text_;
  }
  template <class Value>
  void operator()(const char* name, const Value& value, const char* help) {
    add(prefix_ + name, to_text(value), help);
  }
  template <class Config>
  void section(const char* name, Config& config) {
    const std::string outer = prefix_;
    prefix_ += std::string(name) + ".";
    config.visit(*this);
    prefix_ = outer;
  }

 private:
  void add(const std::string& key, const std::string& value, const char* help);
  static std::string to_text(bool value);
  static std::string to_text(int64_t value);
  static std::string to_text(double value);
  static std::string to_text(const std::string& value);
  static std::string to_text(const std::vector<int64_t>& value);

  std::string prefix_;
  std::string text_;
};

}  // namespace mw
