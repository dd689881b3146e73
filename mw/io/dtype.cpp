// SPDX-License-Identifier: Apache-2.0
#include "mw/io/dtype.h"

#include <array>

namespace mw::io {
namespace {

struct Row {
  DType dtype;
  size_t size;
  const char* name;
};

constexpr std::array<Row, 12> kRows = {{{DType::kF64, 8, "F64"},
                                        {DType::kF32, 4, "F32"},
                                        {DType::kF16, 2, "F16"},
                                        {DType::kBF16, 2, "BF16"},
                                        {DType::kF8E4M3, 1, "F8_E4M3"},
                                        {DType::kF8E5M2, 1, "F8_E5M2"},
                                        {DType::kI64, 8, "I64"},
                                        {DType::kI32, 4, "I32"},
                                        {DType::kI16, 2, "I16"},
                                        {DType::kI8, 1, "I8"},
                                        {DType::kU8, 1, "U8"},
                                        {DType::kBool, 1, "BOOL"}}};

const Row& row_of(DType dtype) { return kRows[static_cast<size_t>(dtype)]; }

}  // namespace

size_t size_of(DType dtype) { return row_of(dtype).size; }

const char* name_of(DType dtype) { return row_of(dtype).name; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& row : kRows) {
    if (name == row.name) return row.dtype;
  }
  return std::nullopt;
}

}  // namespace mw::io
