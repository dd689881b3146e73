// SPDX-License-Identifier: Apache-2.0
#include "mw/io/gguf.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/byte_cursor.h"

namespace mw::io {
namespace {

constexpr std::string_view kMagic = "GGUF";
constexpr std::string_view kShapeNote = "comfy.gguf.orig_shape.";
constexpr uint64_t kMaxNameBytes = 65535;
constexpr uint32_t kMaxDims = 8;
constexpr uint64_t kMaxCount = std::numeric_limits<int64_t>::max();
// The least that a tensor and a key can take up in the file: what bounds their numbers.
constexpr uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8, kLeastKeyBytes = 8 + 4 + 1;

enum ValueType : uint32_t { kText = 8, kList = 9 };

/// Bytes of a plain value of each type; 0 for text, lists and what is unknown.
uint64_t value_bytes(uint32_t type) {
  constexpr std::array<uint64_t, 13> kBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  return type < kBytes.size() ? kBytes[type] : 0;
}

using TensorType = std::variant<DType, BlockType>;

constexpr std::array<std::pair<uint32_t, TensorType>, 13> kTypes = {{
    {0, DType::kF32},
    {1, DType::kF16},
    {2, BlockType::kQ4_0},
    {8, BlockType::kQ8_0},
    {12, BlockType::kQ4_K},
    {13, BlockType::kQ5_K},
    {14, BlockType::kQ6_K},
    {24, DType::kI8},
    {25, DType::kI16},
    {26, DType::kI32},
    {27, DType::kI64},
    {28, DType::kF64},
    {30, DType::kBF16},
}};

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

class GgufParser {
 public:
  explicit GgufParser(std::span<const std::byte> file) : file_(file), cursor_(file) {}

  GgufFile parse() {
    if (cursor_.take_text(kMagic.size()) != kMagic) refuse("it does not begin with GGUF");
    const auto version = cursor_.number<uint32_t>();
    if (version != 2 && version != 3) {
      refuse(concat_message("version ", version, "; wanted 2 or 3"));
    }
    const uint64_t num_tensors = count(kLeastTensorBytes, "tensors");
    // The keys follow, so they are fewer than would fit; each is checked again as it is read.
    const uint64_t num_keys = count(kLeastKeyBytes, "keys");
    for (uint64_t i = 0; i < num_keys; ++i) read_key();
    for (uint64_t i = 0; i < num_tensors; ++i) read_tensor_info();
    add_tensors();
    return std::move(result_);
  }

 private:
  struct Info {
    std::string name;
    TensorType type;
    std::vector<int64_t> shape;
    uint64_t offset = 0, bytes = 0;
  };

  uint64_t count(uint64_t least_bytes, const char* what) {
    const auto number = cursor_.number<uint64_t>();
    if (number > cursor_.num_left() / least_bytes) {
      refuse(concat_message(number, " ", what, " in a file of ", file_.size(), " bytes"));
    }
    return number;
  }

  std::string_view text() { return cursor_.take_text(cursor_.number<uint64_t>()); }

  std::string short_text(const char* what) {
    const std::string_view name = text();
    if (name.size() > kMaxNameBytes) refuse(concat_message(what, " of ", name.size(), " bytes"));
    return std::string(name);
  }

  /// A whole number of any width, or nothing for another type; the value is passed either way.
  std::optional<int64_t> plain_value(uint32_t type) {
    const uint64_t size = value_bytes(type);
    if (size == 0) refuse(concat_message("a value of unknown type ", type));
    ByteCursor value(cursor_.take(size));
    switch (type) {
      case 0:
      case 7:
        return value.number<uint8_t>();
      case 1:
        return value.number<int8_t>();
      case 2:
        return value.number<uint16_t>();
      case 3:
        return value.number<int16_t>();
      case 4:
        return value.number<uint32_t>();
      case 5:
        return value.number<int32_t>();
      case 10:
      case 11:
        return value.number<int64_t>();
      default:
        return std::nullopt;
    }
  }

  void read_list(const std::string& key) {
    const auto type = cursor_.number<uint32_t>();
    const auto length = cursor_.number<uint64_t>();
    if (type == kText) {
      if (length > cursor_.num_left() / 8) refuse("a list of " + std::to_string(length) + " texts");
      for (uint64_t i = 0; i < length; ++i) text();
      return;
    }
    const uint64_t size = value_bytes(type);
    if (size == 0) refuse(concat_message("a list of values of type ", type));
    if (length > cursor_.num_left() / size) {
      refuse(concat_message("a list of ", length, " values: it is truncated"));
    }
    if (!key.starts_with(kShapeNote) || length > kMaxDims) {
      cursor_.take(length * size);
      return;
    }
    std::vector<int64_t> shape;
    for (uint64_t i = 0; i < length; ++i) shape.push_back(plain_value(type).value_or(-1));
    noted_shapes_[key.substr(kShapeNote.size())] = std::move(shape);
  }

  void read_key() {
    const std::string key = short_text("a key");
    const auto type = cursor_.number<uint32_t>();
    std::string value;
    if (type == kList) {
      read_list(key);
      if (!keys_seen_.emplace(key, 0).second) refuse("key " + quote_text(key) + " is given twice");
      return;
    }
    if (type == kText) {
      value = text();
    } else if (const auto number = plain_value(type)) {
      value = std::to_string(*number);
      if (key == "general.alignment") set_alignment(*number);
    }
    if (!keys_seen_.emplace(key, 0).second) refuse("key " + quote_text(key) + " is given twice");
    if (!value.empty()) result_.metadata.emplace(key, std::move(value));
  }

  void set_alignment(int64_t alignment) {
    if (alignment < 8 || alignment > (1 << 20) || (alignment & (alignment - 1)) != 0) {
      refuse(concat_message("general.alignment of ", alignment));
    }
    alignment_ = static_cast<uint64_t>(alignment);
  }

  static TensorType type_of(uint32_t number) {
    for (const auto& [known, type] : kTypes) {
      if (known == number) return type;
    }
    refuse(concat_message("type ", number,
                          ", which is not read; wanted F32, F16, BF16, Q8_0, Q4_0, Q4_K, Q5_K or "
                          "Q6_K"));
  }

  void read_tensor_info() {
    Info info;
    info.name = short_text("a tensor's name");
    try {
      const auto num_dims = cursor_.number<uint32_t>();
      if (num_dims > kMaxDims) refuse(concat_message(num_dims, " axes"));
      for (uint32_t i = 0; i < num_dims; ++i) {
        const auto extent = cursor_.number<uint64_t>();
        if (extent > kMaxCount) refuse(concat_message("a size of ", extent));
        info.shape.insert(info.shape.begin(), static_cast<int64_t>(extent));
      }
      info.type = type_of(cursor_.number<uint32_t>());
      info.offset = cursor_.number<uint64_t>();
      info.bytes = bytes_of_tensor(info);
      if (info.offset % alignment_ != 0) {
        refuse(concat_message("data at ", info.offset, ", which is no multiple of ", alignment_));
      }
    } catch (const Error& error) {
      refuse("tensor " + quote_text(info.name) + ": " + error.what());
    }
    infos_.push_back(std::move(info));
  }

  static uint64_t bytes_of_tensor(const Info& info) {
    uint64_t elements = 1;
    for (const int64_t extent : info.shape) {
      if (extent > 0 && elements > kMaxCount / 8 / static_cast<uint64_t>(extent)) {
        refuse("the shape's product overflows");
      }
      elements *= static_cast<uint64_t>(extent);
    }
    if (const auto* dtype = std::get_if<DType>(&info.type)) return elements * size_of(*dtype);
    const auto type = std::get<BlockType>(info.type);
    if (info.shape.empty() || info.shape.back() % static_cast<int64_t>(elements_of(type)) != 0) {
      refuse(concat_message("rows that are no whole blocks of ", elements_of(type), " in ",
                            name_of(type)));
    }
    return elements / elements_of(type) * bytes_of(type);
  }

  void add_tensors() {
    const uint64_t start = (cursor_.position() + alignment_ - 1) / alignment_ * alignment_;
    const uint64_t available = start < file_.size() ? file_.size() - start : 0;
    std::vector<std::pair<uint64_t, uint64_t>> ranges;
    for (Info& info : infos_) {
      if (info.offset > available || info.bytes > available - info.offset) {
        refuse(concat_message("tensor ", quote_text(info.name), " wants ", info.bytes,
                              " bytes at data byte ", info.offset, " of ", available,
                              ": it is truncated"));
      }
      if (info.bytes > 0) ranges.emplace_back(info.offset, info.offset + info.bytes);
      const auto data = info.bytes == 0 ? std::span<const std::byte>()
                                        : file_.subspan(start + info.offset, info.bytes);
      take_noted_shape(info);
      if (!result_.tensors.emplace(info.name, GgufFile::Tensor{info.type, info.shape, data})
               .second) {
        refuse("tensor " + quote_text(info.name) + " is given twice");
      }
    }
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second) {
        refuse(concat_message("two tensors share the data byte ", ranges[i].first));
      }
    }
  }

  /// Files that merge axes to have at most four of them note what the shape was.
  void take_noted_shape(Info& info) const {
    const auto noted = noted_shapes_.find(info.name);
    if (noted == noted_shapes_.end()) return;
    Info wanted = info;
    wanted.shape = noted->second;
    const bool is_sound = std::all_of(wanted.shape.begin(), wanted.shape.end(),
                                      [](int64_t extent) { return extent >= 0; });
    if (!is_sound || bytes_of_tensor(wanted) != info.bytes) {
      refuse("tensor " + quote_text(info.name) + ": the shape noted for it has another size");
    }
    info.shape = noted->second;
  }

  std::span<const std::byte> file_;
  ByteCursor cursor_;
  uint64_t alignment_ = 32;
  std::map<std::string, int> keys_seen_;
  std::map<std::string, std::vector<int64_t>> noted_shapes_;
  std::vector<Info> infos_;
  GgufFile result_;
};

}  // namespace

GgufFile parse_gguf(std::span<const std::byte> file, const std::string& name) {
  try {
    return GgufParser(file).parse();
  } catch (const Error& error) {
    throw Error(error.code(), "not a whole GGUF file '" + name + "': " + error.what());
  }
}

}  // namespace mw::io
