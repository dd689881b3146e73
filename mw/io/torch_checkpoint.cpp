// SPDX-License-Identifier: Apache-2.0
#include "mw/io/torch_checkpoint.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/pickle.h"
#include "mw/io/safetensors_header.h"
#include "mw/io/zip_directory.h"

namespace mw::io {
namespace {

using Kind = PickleData::Kind;
using Value = PickleData::Value;

constexpr std::array<std::pair<std::string_view, DType>, 10> kStorages = {{
    {"torch FloatStorage", DType::kF32},
    {"torch DoubleStorage", DType::kF64},
    {"torch HalfStorage", DType::kF16},
    {"torch BFloat16Storage", DType::kBF16},
    {"torch LongStorage", DType::kI64},
    {"torch IntStorage", DType::kI32},
    {"torch ShortStorage", DType::kI16},
    {"torch CharStorage", DType::kI8},
    {"torch ByteStorage", DType::kU8},
    {"torch BoolStorage", DType::kBool},
}};

// In the order in which they are preferred: averaged weights are those that a trainer publishes.
constexpr std::array<std::string_view, 4> kWrappers = {"generator_ema", "generator", "state_dict",
                                                       "model"};
constexpr int kMaxWrappers = 4;
constexpr size_t kMaxDims = 16;

[[noreturn]] void refuse(const std::string& what) { throw Error(ErrorCode::kFormat, what); }

class CheckpointParser {
 public:
  CheckpointParser(std::span<const std::byte> archive, const std::string& name)
      : archive_size_(archive.size()), files_(parse_zip_directory(archive, name)) {}

  CheckpointTensors parse() {
    const auto pickle = find_pickle();
    data_ = parse_pickle(pickle, "data.pkl");
    add_tensors(unwrapped());
    return std::move(result_);
  }

 private:
  const Value& item(const Value& value, size_t i) const { return data_.at(value.items[i]); }

  std::span<const std::byte> find_pickle() {
    for (const auto& [name, bytes] : files_) {
      if (name.ends_with("/constants.pkl")) {
        refuse("a TorchScript program; wanted a dictionary of tensors");
      }
    }
    for (const auto& [name, bytes] : files_) {
      const size_t slash = name.find('/');
      if (slash == std::string::npos || name.substr(slash) != "/data.pkl") continue;
      top_ = name.substr(0, slash);
      const auto order = files_.find(top_ + "/byteorder");
      if (order != files_.end() && text_of(order->second) != "little") {
        refuse("byte order " + quote_text(text_of(order->second)) + "; wanted little");
      }
      return bytes;
    }
    refuse("a zip archive without '<name>/data.pkl'; wanted what torch.save writes");
  }

  static std::string_view text_of(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  bool is_tensor(const Value& value) const { return value.kind == Kind::kCall; }

  bool has_tensors(const Value& dict) const {
    for (size_t i = 1; i < dict.items.size(); i += 2) {
      if (is_tensor(item(dict, i))) return true;
    }
    return false;
  }

  const Value* entry(const Value& dict, std::string_view key) const {
    const Value* found = nullptr;
    for (size_t i = 0; i < dict.items.size(); i += 2) {
      const Value& name = item(dict, i);
      if (name.kind == Kind::kText && name.text == key) found = &item(dict, i + 1);
    }
    return found;
  }

  const Value& unwrapped() const {
    const Value* dict = &data_.root();
    for (int depth = 0; depth <= kMaxWrappers; ++depth) {
      if (dict->kind != Kind::kDict) refuse("it holds no dictionary of tensors");
      if (has_tensors(*dict)) return *dict;
      const Value* inner = nullptr;
      for (const std::string_view key : kWrappers) {
        if (inner == nullptr) inner = entry(*dict, key);
        if (inner != nullptr && inner->kind != Kind::kDict) inner = nullptr;
      }
      if (inner == nullptr) {
        refuse(
            "its dictionary holds no tensors, nor has it generator_ema, generator, state_dict "
            "or model");
      }
      dict = inner;
    }
    refuse("its dictionaries are nested too deeply");
  }

  void add_tensors(const Value& dict) {
    for (size_t i = 0; i < dict.items.size(); i += 2) {
      const Value& key = item(dict, i);
      const Value& value = item(dict, i + 1);
      if (key.kind != Kind::kText) refuse("a key of the dictionary is not text");
      switch (value.kind) {
        case Kind::kNone:
        case Kind::kBool:
        case Kind::kInteger:
        case Kind::kFloat:
        case Kind::kText:
          continue;  // A step count or a note.
        case Kind::kCall:
          break;
        default:
          refuse(quote_text(key.text) + " is neither a tensor nor a number or text");
      }
      try {
        if (!result_.tensors.emplace(key.text, tensor(value)).second) refuse("it is given twice");
      } catch (const Error& error) {
        refuse("tensor " + quote_text(key.text) + ": " + error.what());
      }
    }
  }

  /// A parameter is a tensor with a note whether it is trained.
  const Value& arguments_of(const Value& call) const {
    const Value* current = &call;
    for (int depth = 0; depth < 2; ++depth) {
      const Value &callee = item(*current, 0), &arguments = item(*current, 1);
      if (callee.text == "torch._utils _rebuild_tensor_v2") return arguments;
      if (arguments.items.empty() || item(arguments, 0).kind != Kind::kCall) break;
      current = &item(arguments, 0);
    }
    refuse("it is no tensor");
  }

  uint64_t count(const Value& value, const char* what) const {
    if (value.kind != Kind::kInteger || value.integer < 0) {
      refuse(std::string(what) + " must be a whole number from 0");
    }
    return static_cast<uint64_t>(value.integer);
  }

  std::vector<int64_t> counts(const Value& value, const char* what) const {
    if (value.kind != Kind::kTuple || value.items.size() > kMaxDims) {
      refuse(std::string(what) + " must be a short tuple");
    }
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < value.items.size(); ++i) {
      numbers.push_back(static_cast<int64_t>(count(item(value, i), what)));
    }
    return numbers;
  }

  struct Storage {
    DType dtype;
    std::span<const std::byte> bytes;
  };

  Storage storage(const Value& external) const {
    if (external.kind != Kind::kExternal) refuse("it has no storage");
    const Value& id = item(external, 0);
    if (id.kind != Kind::kTuple || id.items.size() != 5 || item(id, 0).kind != Kind::kText ||
        item(id, 0).text != "storage" || item(id, 2).kind != Kind::kText) {
      refuse("its storage is not described as torch.save does");
    }
    const std::string file = top_ + "/data/" + item(id, 2).text;
    const auto found = files_.find(file);
    if (found == files_.end()) refuse("its storage " + quote_text(file) + " is missing");
    for (const auto& [name, dtype] : kStorages) {
      if (item(id, 1).kind != Kind::kGlobal || item(id, 1).text != name) continue;
      const uint64_t num_elements = count(item(id, 4), "the storage's size");
      if (num_elements > found->second.size() / size_of(dtype)) {
        refuse(concat_message("its storage claims ", num_elements, " elements, '", file, "' has ",
                              found->second.size(), " bytes"));
      }
      return {dtype, found->second.first(num_elements * size_of(dtype))};
    }
    refuse("its storage is of an unknown type");
  }

  TensorView tensor(const Value& call) {
    const Value& arguments = arguments_of(call);
    if (arguments.kind != Kind::kTuple || arguments.items.size() < 4) {
      refuse("it has too few arguments");
    }
    const Storage from = storage(item(arguments, 0));
    const uint64_t offset = count(item(arguments, 1), "the offset");
    std::vector<int64_t> shape = counts(item(arguments, 2), "the shape");
    const std::vector<int64_t> strides = counts(item(arguments, 3), "the strides");
    if (shape.size() != strides.size()) refuse("it has more sizes than strides, or fewer");
    const size_t width = size_of(from.dtype);
    const uint64_t num_bytes = tensor_bytes(from.dtype, shape);
    if (num_bytes == 0) return {from.dtype, std::move(shape), {}};
    // The last element that it reads, against the storage; no product below can overflow after it.
    const uint64_t available = from.bytes.size() / width;
    uint64_t last = offset;
    for (size_t i = 0; i < shape.size(); ++i) {
      const auto steps = static_cast<uint64_t>(shape[i] - 1);
      const auto stride = static_cast<uint64_t>(strides[i]);
      if (steps > 0 && stride > available / steps) last = available;
      if (last < available) last += steps * stride;
    }
    if (last >= available) {
      refuse(concat_message("offset and strides pass the end of its storage of ", available,
                            " elements"));
    }
    if (num_bytes > from.bytes.size()) refuse("its elements overlap");
    if (is_row_major(shape, strides)) {
      return {from.dtype, std::move(shape), from.bytes.subspan(offset * width, num_bytes)};
    }
    return copied(from, offset, std::move(shape), strides, num_bytes);
  }

  static bool is_row_major(const std::vector<int64_t>& shape, const std::vector<int64_t>& strides) {
    int64_t wanted = 1;
    for (size_t i = shape.size(); i-- > 0;) {
      if (shape[i] != 1 && strides[i] != wanted) return false;
      wanted *= shape[i];
    }
    return true;
  }

  /// Rows of a transposed or cut-out tensor, gathered. No more is copied in all than the file
  /// holds.
  TensorView copied(const Storage& from, uint64_t offset, std::vector<int64_t> shape,
                    const std::vector<int64_t>& strides, uint64_t num_bytes) {
    copied_bytes_ += num_bytes;
    if (copied_bytes_ > archive_size_) refuse("tensors with strides would need more than the file");
    auto copy = std::make_unique<std::byte[]>(num_bytes);
    const size_t width = size_of(from.dtype);
    std::vector<int64_t> place(shape.size(), 0);
    uint64_t at = offset;
    for (uint64_t to = 0; to < num_bytes; to += width) {
      std::memcpy(copy.get() + to, from.bytes.data() + at * width, width);
      for (size_t i = shape.size(); i-- > 0;) {
        at += static_cast<uint64_t>(strides[i]);
        if (++place[i] < shape[i]) break;
        at -= static_cast<uint64_t>(strides[i]) * static_cast<uint64_t>(shape[i]);
        place[i] = 0;
      }
    }
    const std::span<const std::byte> bytes(copy.get(), num_bytes);
    result_.copies.push_back(std::move(copy));
    return {from.dtype, std::move(shape), bytes};
  }

  uint64_t archive_size_;
  ZipDirectory files_;
  std::string top_;  // Every name in the archive begins with it.
  PickleData data_;
  CheckpointTensors result_;
  uint64_t copied_bytes_ = 0;
};

}  // namespace

CheckpointTensors parse_torch_checkpoint(std::span<const std::byte> archive,
                                         const std::string& name) {
  try {
    return CheckpointParser(archive, name).parse();
  } catch (const Error& error) {
    const std::string what = error.what();
    if (what.find("'" + name + "'") != std::string::npos) throw;
    throw Error(error.code(), "checkpoint '" + name + "': " + what);
  }
}

}  // namespace mw::io
