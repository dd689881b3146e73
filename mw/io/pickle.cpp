// SPDX-License-Identifier: Apache-2.0
#include "mw/io/pickle.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/byte_cursor.h"

namespace mw::io {

/// A stack machine without its dangerous instructions.
class PickleReader {
 public:
  explicit PickleReader(std::span<const std::byte> bytes) : cursor_(bytes) {}

  PickleData read() {
    while (!is_done_) step();
    return std::move(data_);
  }

 private:
  using Kind = PickleData::Kind;
  using Index = PickleData::Index;
  using Value = PickleData::Value;

  static constexpr std::string_view kOrderedDict = "collections OrderedDict";
  static constexpr std::array<std::string_view, 3> kCallable = {
      kOrderedDict, "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"};
  static constexpr std::array<std::string_view, 10> kStorages = {
      "Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"};

  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorCode::kFormat, concat_message(what, " at byte ", start_));
  }

  // Every value and every stack entry costs at least one byte of input, so memory is bounded by it.
  Index add(Value value) {
    if (data_.values_.size() >= std::numeric_limits<Index>::max()) refuse("too many values");
    data_.values_.push_back(std::move(value));
    return static_cast<Index>(data_.values_.size() - 1);
  }
  void push(Value value) { stack_.push_back(add(std::move(value))); }
  Index pop() {
    if (stack_.empty() || (!marks_.empty() && marks_.back() == stack_.size())) {
      refuse("an instruction lacks its values");
    }
    const Index top = stack_.back();
    stack_.pop_back();
    return top;
  }
  Index top() {
    const Index index = pop();
    stack_.push_back(index);
    return index;
  }
  std::vector<Index> pop_to_mark() {
    if (marks_.empty()) refuse("an instruction lacks its mark");
    std::vector<Index> items(stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back()),
                             stack_.end());
    stack_.resize(marks_.back());
    marks_.pop_back();
    return items;
  }
  std::vector<Index> pop_count(size_t count) {
    std::vector<Index> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  void push_integer(int64_t value) { push({.kind = Kind::kInteger, .integer = value}); }
  void push_text(uint64_t size) {
    push({.kind = Kind::kText, .text = std::string(cursor_.take_text(size))});
  }
  void push_items(Kind kind, std::vector<Index> items) {
    push({.kind = kind, .items = std::move(items)});
  }

  void extend(Kind kind, const std::vector<Index>& items) {
    Value& target = data_.values_[top()];
    if (target.kind != kind) refuse("items for a value that takes none");
    if (kind == Kind::kDict && items.size() % 2 != 0) refuse("a key without a value");
    target.items.insert(target.items.end(), items.begin(), items.end());
  }

  void remember(uint64_t key) { memo_[key] = top(); }
  void recall(uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse("a value that was not remembered");
    stack_.push_back(found->second);
  }

  std::string take_line() {
    std::string line;
    while (true) {
      const char c = static_cast<char>(cursor_.number<uint8_t>());
      if (c == '\n') return line;
      if (line.size() >= 1000) refuse("a name without an end");
      line += c;
    }
  }

  void push_global(const std::string& module, const std::string& name) {
    const std::string global = module + " " + name;
    const bool is_callable =
        std::find(kCallable.begin(), kCallable.end(), global) != kCallable.end();
    const bool is_storage =
        module == "torch" && name.ends_with("Storage") &&
        std::find(kStorages.begin(), kStorages.end(),
                  std::string_view(name).substr(0, name.size() - 7)) != kStorages.end();
    if (!is_callable && !is_storage) {
      refuse("it names " + quote_text(module + "." + name) +
             ", which is not part of a plain dictionary of tensors; nothing was run");
    }
    push({.kind = Kind::kGlobal, .text = global});
  }

  void push_call() {
    const Index arguments = pop();
    const Index callee = pop();
    const Value& target = data_.values_[callee];
    if (target.kind != Kind::kGlobal || data_.values_[arguments].kind != Kind::kTuple) {
      refuse("a call of a value that is no function");
    }
    if (std::find(kCallable.begin(), kCallable.end(), target.text) == kCallable.end()) {
      refuse("a call of " + quote_text(target.text));
    }
    if (target.text == kOrderedDict) {
      if (!data_.values_[arguments].items.empty()) refuse("an OrderedDict made from arguments");
      push({.kind = Kind::kDict});
    } else {
      push_items(Kind::kCall, {callee, arguments});
    }
  }

  /// A signed number of any length, of which 64 bits are enough for every size.
  void push_long(uint64_t size) {
    const auto bytes = cursor_.take(size);
    if (size > 8) {
      push({.kind = Kind::kFloat});
      return;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= static_cast<uint64_t>(bytes[i]) << (8 * i);
    const bool is_negative = size > 0 && (static_cast<uint8_t>(bytes[size - 1]) & 0x80) != 0;
    if (is_negative && size < 8) value |= ~uint64_t{0} << (8 * size);
    push_integer(static_cast<int64_t>(value));
  }

  void step() {
    start_ = cursor_.position();
    const auto code = cursor_.number<uint8_t>();
    switch (code) {
      case 0x80:  // PROTO
        if (const auto protocol = cursor_.number<uint8_t>(); protocol > 5) {
          refuse(concat_message("pickle protocol ", int{protocol}));
        }
        break;
      case 0x95:  // FRAME
        cursor_.take(8);
        break;
      case '.':  // STOP
        data_.root_ = pop();
        if (!stack_.empty() || !marks_.empty()) refuse("values are left over");
        is_done_ = true;
        break;
      case '(':  // MARK
        marks_.push_back(stack_.size());
        break;
      case '0':  // POP
        pop();
        break;
      case '1':  // POP_MARK
        pop_to_mark();
        break;
      case '}':  // EMPTY_DICT
        push({.kind = Kind::kDict});
        break;
      case ']':  // EMPTY_LIST
        push({.kind = Kind::kList});
        break;
      case ')':  // EMPTY_TUPLE
        push({.kind = Kind::kTuple});
        break;
      case 't':  // TUPLE
        push_items(Kind::kTuple, pop_to_mark());
        break;
      case 0x85:  // TUPLE1
      case 0x86:  // TUPLE2
      case 0x87:  // TUPLE3
        push_items(Kind::kTuple, pop_count(code - 0x84u));
        break;
      case 's': {  // SETITEM
        const std::vector<Index> item = pop_count(2);
        extend(Kind::kDict, item);
        break;
      }
      case 'u': {  // SETITEMS
        const std::vector<Index> items = pop_to_mark();
        extend(Kind::kDict, items);
        break;
      }
      case 'a': {  // APPEND
        const std::vector<Index> item = pop_count(1);
        extend(Kind::kList, item);
        break;
      }
      case 'e': {  // APPENDS
        const std::vector<Index> items = pop_to_mark();
        extend(Kind::kList, items);
        break;
      }
      case 'N':  // NONE
        push({});
        break;
      case 0x88:  // NEWTRUE
      case 0x89:  // NEWFALSE
        push({.kind = Kind::kBool, .integer = code == 0x88 ? 1 : 0});
        break;
      case 'J':  // BININT
        push_integer(cursor_.number<int32_t>());
        break;
      case 'K':  // BININT1
        push_integer(cursor_.number<uint8_t>());
        break;
      case 'M':  // BININT2
        push_integer(cursor_.number<uint16_t>());
        break;
      case 0x8a:  // LONG1
        push_long(cursor_.number<uint8_t>());
        break;
      case 'G':  // BINFLOAT
        cursor_.take(8);
        push({.kind = Kind::kFloat});
        break;
      case 'X':  // BINUNICODE
        push_text(cursor_.number<uint32_t>());
        break;
      case 0x8c:  // SHORT_BINUNICODE
        push_text(cursor_.number<uint8_t>());
        break;
      case 0x8d:  // BINUNICODE8
        push_text(cursor_.number<uint64_t>());
        break;
      case 'q':  // BINPUT
        remember(cursor_.number<uint8_t>());
        break;
      case 'r':  // LONG_BINPUT
        remember(cursor_.number<uint32_t>());
        break;
      case 0x94:  // MEMOIZE
        remember(memo_.size());
        break;
      case 'h':  // BINGET
        recall(cursor_.number<uint8_t>());
        break;
      case 'j':  // LONG_BINGET
        recall(cursor_.number<uint32_t>());
        break;
      case 'c': {  // GLOBAL
        const std::string module = take_line();
        push_global(module, take_line());
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const std::vector<Index> names = pop_count(2);
        const Value &module = data_.values_[names[0]], &name = data_.values_[names[1]];
        if (module.kind != Kind::kText || name.kind != Kind::kText)
          refuse("a name that is no text");
        push_global(std::string(module.text), std::string(name.text));
        break;
      }
      case 'Q':  // BINPERSID
        push_items(Kind::kExternal, pop_count(1));
        break;
      case 'R':  // REDUCE
        push_call();
        break;
      case 'b':  // BUILD: torch notes a version on its dictionaries; no tensor depends on it.
        pop();
        if (data_.values_[top()].kind != Kind::kDict) refuse("a state for a value that has none");
        break;
      default:
        refuse(concat_message("instruction ", int{code},
                              ", which builds no plain dictionary of tensors; nothing was run"));
    }
  }

  ByteCursor cursor_;
  uint64_t start_ = 0;  // Of the current instruction.
  bool is_done_ = false;
  PickleData data_;
  std::vector<Index> stack_;
  std::vector<size_t> marks_;
  std::unordered_map<uint64_t, Index> memo_;
};

PickleData parse_pickle(std::span<const std::byte> bytes, const std::string& name) {
  try {
    return PickleReader(bytes).read();
  } catch (const Error& error) {
    throw Error(error.code(), "pickle '" + name + "': " + error.what());
  }
}

}  // namespace mw::io
