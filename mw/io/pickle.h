// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mw::io {

/// Data from a pickle: what its program would build, and nothing that it would run.
///
/// Values live in one table and name each other by index, so values that contain themselves are
/// harmless.
class PickleData {
 public:
  using Index = uint32_t;
  enum class Kind {
    kNone,
    kBool,      ///< In `integer`.
    kInteger,   ///< 64 bits.
    kFloat,     ///< Its value is not kept.
    kText,      ///< In `text`.
    kTuple,     ///< `items`.
    kList,      ///< `items`.
    kDict,      ///< `items`: key, value, key, value, ...; also of an OrderedDict.
    kGlobal,    ///< `text` names it, as "torch FloatStorage". It stays a name.
    kExternal,  ///< A persistent id; `items[0]` is its value.
    kCall,      ///< `items[0]` is what would be called, `items[1]` its arguments. It is not called.
  };
  struct Value {
    Kind kind = Kind::kNone;
    int64_t integer = 0;
    std::string text = {};
    std::vector<Index> items = {};
  };

  const Value& at(Index index) const { return values_[index]; }
  /// What the pickle holds.
  const Value& root() const { return values_[root_]; }

 private:
  friend PickleData parse_pickle(std::span<const std::byte> bytes, const std::string& name);
  friend class PickleReader;
  std::vector<Value> values_;
  Index root_ = 0;
};

/// Reads the pickle of a torch checkpoint, executing nothing.
///
/// It may name only what such a checkpoint needs: `torch._utils._rebuild_tensor_v2` and
/// `_rebuild_parameter`, `collections.OrderedDict` and torch's typed storages, and may call only
/// the first three, which is kept as data. Any other name is refused with that name, and so is any
/// instruction beyond those that build dictionaries, lists, tuples, text and numbers.
/// name: what messages call the bytes. Throws Error kFormat.
/// Source: the instruction list of CPython's `pickletools`; `torch/serialization.py`.
PickleData parse_pickle(std::span<const std::byte> bytes, const std::string& name);

}  // namespace mw::io
