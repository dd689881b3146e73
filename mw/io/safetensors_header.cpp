// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors_header.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "mw/core/error.h"

namespace mw::io {
namespace {

constexpr uint64_t kLengthBytes = 8;  // A little-endian count of header bytes opens the file.
constexpr uint64_t kMaxCount = std::numeric_limits<int64_t>::max();
constexpr const char* kMetadataKey = "__metadata__";

/// Receives the header's JSON piece by piece, so that nothing but the expected shape is ever stored
/// and a name given twice is seen.
class HeaderBuilder {
 public:
  explicit HeaderBuilder(SafetensorsHeader& header) : header_(header) {}

  // NOLINTBEGIN(readability-identifier-naming): the names are nlohmann's SAX interface.
  bool null() { return fail("null"); }
  bool boolean(bool /*value*/) { return fail("a boolean"); }
  bool number_float(double /*value*/, const std::string& text) {
    return fail("the number " + text);
  }
  bool binary(std::vector<uint8_t>& /*value*/) { return fail("binary data"); }
  bool number_integer(int64_t value) { return fail("the number " + std::to_string(value)); }
  bool number_unsigned(uint64_t value) {
    if (state_ != State::kShape && state_ != State::kOffsets) {
      return fail("the number " + std::to_string(value));
    }
    if (value > kMaxCount) return fail("the number " + std::to_string(value) + ", over 2^63 - 1");
    (state_ == State::kShape ? shape_ : offsets_)->push_back(static_cast<int64_t>(value));
    return true;
  }
  bool string(std::string& value) {
    if (state_ == State::kMetadata) {
      if (!header_.metadata.emplace(key_, std::move(value)).second) throw_twice(key_);
    } else if (state_ == State::kTensor && key_ == "dtype") {
      if (dtype_) throw_twice(key_);
      dtype_ = dtype_from_name(value);
      if (!dtype_) throw_format(subject() + "unknown dtype " + quote_text(value));
    } else {
      return fail("the text " + quote_text(value));
    }
    return true;
  }
  bool start_object(size_t /*size*/) {
    if (state_ == State::kStart) {
      state_ = State::kTop;
    } else if (state_ == State::kTop) {
      if (!seen_metadata_ && key_ == kMetadataKey) {
        seen_metadata_ = true;
        state_ = State::kMetadata;
      } else if (key_ == kMetadataKey || header_.tensors.count(key_) != 0) {
        throw_twice(key_);
      } else {
        name_ = key_;
        dtype_.reset();
        shape_.reset();
        offsets_.reset();
        state_ = State::kTensor;
      }
    } else {
      return fail("an object");
    }
    return true;
  }
  bool end_object() {
    if (state_ == State::kTensor) add_tensor();
    state_ = State::kTop;
    return true;
  }
  bool start_array(size_t /*size*/) {
    std::optional<std::vector<int64_t>>* list = nullptr;
    if (state_ == State::kTensor && key_ == "shape") list = &shape_;
    if (state_ == State::kTensor && key_ == "data_offsets") list = &offsets_;
    if (list == nullptr) return fail("a list");
    if (*list) throw_twice(key_);
    list->emplace();
    state_ = list == &shape_ ? State::kShape : State::kOffsets;
    return true;
  }
  bool end_array() {
    state_ = State::kTensor;
    return true;
  }
  bool key(std::string& value) {
    key_ = std::move(value);
    if (state_ == State::kTensor && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      throw_format(subject() + "unknown field " + quote_text(key_));
    }
    return true;
  }
  bool parse_error(size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    throw_format("not JSON at byte " + std::to_string(kLengthBytes + position));
  }
  // NOLINTEND(readability-identifier-naming)

 private:
  enum class State { kStart, kTop, kMetadata, kTensor, kShape, kOffsets };

  [[noreturn]] static void throw_format(const std::string& what) {
    throw Error(ErrorCode::kFormat, what);
  }
  [[noreturn]] void throw_twice(const std::string& key) const {
    throw_format(subject() + quote_text(key) + " is given twice");
  }
  bool fail(const std::string& found) const {
    throw_format(subject() + "wanted " + wanted() + ", found " + found);
  }

  std::string subject() const {
    const bool in_tensor =
        state_ == State::kTensor || state_ == State::kShape || state_ == State::kOffsets;
    return in_tensor ? "tensor " + quote_text(name_) + ": " : "";
  }
  std::string wanted() const {
    switch (state_) {
      case State::kStart:
        return "an object";
      case State::kTop:
        return "an object for " + quote_text(key_);
      case State::kMetadata:
        return "text for __metadata__ " + quote_text(key_);
      case State::kTensor:
        return (key_ == "dtype" ? "text for " : "a list of whole numbers for ") + quote_text(key_);
      case State::kShape:
      case State::kOffsets:
        break;
    }
    return "whole numbers from 0 in " + quote_text(key_);
  }

  void add_tensor() {
    if (!dtype_ || !shape_ || !offsets_) {
      throw_format(subject() +
                   quote_text(!dtype_   ? "dtype"
                              : !shape_ ? "shape"
                                        : "data_offsets") +
                   " is missing");
    }
    if (offsets_->size() != 2 || (*offsets_)[1] < (*offsets_)[0]) {
      throw_format(subject() + "'data_offsets' must be [begin, end] with begin <= end");
    }
    SafetensorsHeader::Tensor tensor{*dtype_, std::move(*shape_),
                                     static_cast<uint64_t>((*offsets_)[0]),
                                     static_cast<uint64_t>((*offsets_)[1])};
    uint64_t wanted_bytes = 0;
    try {
      wanted_bytes = tensor_bytes(tensor.dtype, tensor.shape);
    } catch (const Error& error) {
      throw_format(subject() + error.what());
    }
    if (tensor.end - tensor.begin != wanted_bytes) {
      throw_format(concat_message(subject(), "dtype and shape want ", wanted_bytes,
                                  " bytes, 'data_offsets' give ", tensor.end - tensor.begin));
    }
    header_.tensors.emplace(name_, std::move(tensor));
  }

  SafetensorsHeader& header_;
  State state_ = State::kStart;
  bool seen_metadata_ = false;
  std::string key_;
  std::string name_;  // The tensor that is being read.
  std::optional<DType> dtype_;
  std::optional<std::vector<int64_t>> shape_;
  std::optional<std::vector<int64_t>> offsets_;
};

/// Every byte after the header belongs to exactly one tensor.
void check_ranges(const SafetensorsHeader& header, uint64_t data_bytes) {
  using Item = std::pair<const std::string, SafetensorsHeader::Tensor>;
  std::vector<const Item*> order;
  for (const Item& item : header.tensors) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  uint64_t covered = 0;
  for (const Item* item : order) {
    const auto& [name, tensor] = *item;
    if (tensor.end > data_bytes) {
      throw Error(ErrorCode::kFormat,
                  concat_message("tensor ", quote_text(name), " ends at byte ",
                                 header.data_start + tensor.end, ", the file at ",
                                 header.data_start + data_bytes, ": it is truncated"));
    }
    if (tensor.begin != covered) {
      throw Error(ErrorCode::kFormat,
                  concat_message("tensor ", quote_text(name), " begins at data byte ", tensor.begin,
                                 ", the one before it ends at ", covered, ": they ",
                                 tensor.begin < covered ? "overlap" : "leave a hole"));
    }
    covered = tensor.end;
  }
  if (covered != data_bytes) {
    throw Error(ErrorCode::kFormat, concat_message(data_bytes - covered,
                                                   " bytes after the last tensor belong to none"));
  }
}

SafetensorsHeader parse_checked(std::span<const std::byte> file_start, uint64_t file_size) {
  if (file_size < kLengthBytes || file_start.size() < kLengthBytes) {
    throw Error(ErrorCode::kFormat,
                concat_message("it has ", file_size, " bytes, too few for the header's length"));
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length |= static_cast<uint64_t>(file_start[i]) << (8 * i);
  }
  if (length > kMaxSafetensorsHeader) {
    throw Error(ErrorCode::kFormat, concat_message("header of ", length, " bytes, at most ",
                                                   kMaxSafetensorsHeader, " are read"));
  }
  if (length > file_size - kLengthBytes || length > file_start.size() - kLengthBytes) {
    throw Error(ErrorCode::kFormat,
                concat_message("header of ", length, " bytes, but only ", file_size - kLengthBytes,
                               " follow: it is truncated"));
  }
  const auto* text = reinterpret_cast<const char*>(file_start.data()) + kLengthBytes;
  if (length == 0 || text[0] != '{') throw Error(ErrorCode::kFormat, "header must begin with '{'");
  // The JSON parser would take a zero byte for the end of its input.
  if (const void* zero = std::memchr(text, 0, length)) {
    throw Error(ErrorCode::kFormat,
                concat_message("not JSON at byte ", static_cast<const char*>(zero) - text + 8));
  }

  SafetensorsHeader header;
  header.data_start = kLengthBytes + length;
  HeaderBuilder builder(header);
  nlohmann::json::sax_parse(text, text + length, &builder);
  check_ranges(header, file_size - header.data_start);
  return header;
}

}  // namespace

uint64_t tensor_bytes(DType dtype, std::span<const int64_t> shape) {
  uint64_t bytes = size_of(dtype);
  for (const int64_t extent : shape) {
    if (extent < 0) throw Error(ErrorCode::kFormat, "a negative size in the shape");
    if (extent > 0 && bytes > kMaxCount / static_cast<uint64_t>(extent)) {
      throw Error(ErrorCode::kFormat, "the shape's product overflows");
    }
    bytes *= static_cast<uint64_t>(extent);
  }
  return bytes;
}

SafetensorsHeader parse_safetensors_header(std::span<const std::byte> file_start,
                                           uint64_t file_size, const std::string& name) {
  try {
    return parse_checked(file_start, file_size);
  } catch (const Error& error) {
    throw Error(error.code(), "not a whole safetensors file '" + name + "': " + error.what());
  }
}

}  // namespace mw::io
