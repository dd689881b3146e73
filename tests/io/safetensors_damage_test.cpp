// SPDX-License-Identifier: Apache-2.0
// Systematic damage to a sound file: each kind is refused with a message that names it.
#include <gtest/gtest.h>

#include <random>

#include "mw/io/safetensors.h"
#include "mw/io/safetensors_header.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

std::string with_length(uint64_t length, const std::string& rest) {
  std::string file;
  for (int i = 0; i < 8; ++i) file += static_cast<char>(length >> (8 * i));
  return file + rest;
}

/// A file with this header and so many data bytes.
std::string file_of(const std::string& header, size_t data_bytes) {
  return with_length(header.size(), header + std::string(data_bytes, 'd'));
}

SafetensorsHeader parse(const std::string& file) {
  return parse_safetensors_header(std::as_bytes(std::span(file)), file.size(), "FILE");
}

struct Damage {
  std::string name;
  std::string file;
  std::string message;  ///< Part of what must be said.
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

const char* const kSound = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";

std::vector<Damage> damages() {
  const auto tensor = [](const std::string& fields) { return "{\"a\":{" + fields + "}}"; };
  const std::string shape_a = R"("dtype":"U8","shape":)";
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[4],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[4],"data_offsets":)" + b + "}}";
  };
  return {
      {"Empty", "", "0 bytes, too few"},
      {"SevenBytes", "1234567", "7 bytes, too few"},
      {"NoHeader", with_length(0, ""), "must begin with '{'"},
      {"LengthPastEnd", with_length(60, kSound), "it is truncated"},
      {"LengthHuge", with_length(~uint64_t{0}, kSound), "at most 100000000 are read"},
      {"LengthOverCap", with_length(kMaxSafetensorsHeader + 1, kSound), "at most 100000000"},
      {"LengthShort", with_length(20, kSound), "not JSON at byte"},
      {"LeadingSpace", file_of(std::string(" ") + kSound, 8), "must begin with '{'"},
      {"ByteOrderMark", file_of(std::string("\xef\xbb\xbf") + kSound, 8), "must begin with '{'"},
      {"AList", file_of("[]", 0), "must begin with '{'"},
      {"TrailingText", file_of(std::string(kSound) + "{}", 8), "not JSON"},
      {"TrailingZero", file_of(std::string(kSound) + '\0', 8), "not JSON"},
      {"NotUtf8", file_of("{\"\xff\":1}", 0), "not JSON"},
      {"ControlCharacter", file_of("{\"a\nb\":1}", 0), "not JSON"},
      {"Comment", file_of(std::string("{/**/") + (kSound + 1), 8), "not JSON"},
      {"DeepNesting", file_of("{\"a\":" + std::string(1000000, '['), 0), "found a list"},
      {"TensorIsNumber", file_of(R"({"a":7})", 0), "wanted an object for 'a', found the number 7"},
      {"TensorIsNull", file_of(R"({"a":null})", 0), "found null"},
      {"MetadataNotText", file_of(R"({"__metadata__":{"k":1}})", 0),
       "wanted text for __metadata__ 'k'"},
      {"MetadataNested", file_of(R"({"__metadata__":{"k":{}}})", 0), "found an object"},
      {"MetadataTwice", file_of(R"({"__metadata__":{},"__metadata__":{}})", 0),
       "'__metadata__' is given twice"},
      {"MetadataKeyTwice", file_of(R"({"__metadata__":{"k":"","k":""}})", 0), "'k' is given twice"},
      {"NameTwice",
       file_of(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
               R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
               0),
       "'a' is given twice"},
      {"DTypeTwice", file_of(tensor(R"("dtype":"U8","dtype":"U8")"), 0),
       "tensor 'a': 'dtype' is given twice"},
      {"ShapeTwice", file_of(tensor(R"("shape":[],"shape":[])"), 0), "'shape' is given twice"},
      {"DTypeUnknown", file_of(tensor(R"("dtype":"F4","shape":[],"data_offsets":[0,1])"), 1),
       "unknown dtype 'F4'"},
      {"DTypeNumber", file_of(tensor(R"("dtype":1)"), 0), "wanted text for 'dtype'"},
      {"FieldUnknown", file_of(tensor(R"("stride":[1])"), 0), "unknown field 'stride'"},
      {"FieldMissing", file_of(tensor(R"("dtype":"U8","shape":[0])"), 0),
       "'data_offsets' is missing"},
      {"ShapeNegative", file_of(tensor(R"("dtype":"U8","shape":[-1])"), 0), "found the number -1"},
      {"ShapeFraction", file_of(tensor(R"("dtype":"U8","shape":[1.5])"), 0),
       "found the number 1.5"},
      {"ShapeText", file_of(tensor(R"("dtype":"U8","shape":["1"])"), 0), "found the text '1'"},
      {"ShapeNested", file_of(tensor(R"("dtype":"U8","shape":[[1]])"), 0), "found a list"},
      {"ShapeOver63Bits", file_of(tensor(shape_a + "[9223372036854775808]"), 0), "over 2^63 - 1"},
      {"ShapeOver64Bits", file_of(tensor(shape_a + "[99999999999999999999999]"), 0),
       "found the number"},
      {"ProductOverflows",
       file_of(tensor(shape_a + R"([4294967296,4294967296],"data_offsets":[0,0])"), 0),
       "overflows"},
      {"ProductOverflowsThenZero",
       file_of(tensor(shape_a + R"([4294967296,4294967296,0],"data_offsets":[0,0])"), 0),
       "overflows"},
      {"BytesTooFew", file_of(tensor(shape_a + R"([9],"data_offsets":[0,8])"), 8),
       "want 9 bytes, 'data_offsets' give 8"},
      {"OffsetsOne", file_of(tensor(shape_a + R"([0],"data_offsets":[0])"), 0), "[begin, end]"},
      {"OffsetsThree", file_of(tensor(shape_a + R"([0],"data_offsets":[0,0,0])"), 0),
       "[begin, end]"},
      {"OffsetsBackwards", file_of(tensor(shape_a + R"([0],"data_offsets":[8,0])"), 8),
       "[begin, end]"},
      {"DataTruncated", file_of(kSound, 7), "it is truncated"},
      {"DataMissing", file_of(kSound, 0), "it is truncated"},
      {"DataTooLong", file_of(kSound, 9), "1 bytes after the last tensor"},
      {"Overlap", file_of(two("[0,4]", "[2,6]"), 6), "they overlap"},
      {"SameBytes", file_of(two("[0,4]", "[0,4]"), 4), "they overlap"},
      {"HoleBetween", file_of(two("[0,4]", "[5,9]"), 9), "leave a hole"},
      {"HoleBefore", file_of(two("[1,5]", "[5,9]"), 9), "leave a hole"},
  };
}

class SafetensorsDamageTest : public ::testing::TestWithParam<Damage> {};

TEST_P(SafetensorsDamageTest, IsRefusedAndNamed) {
  EXPECT_ERROR(parse(GetParam().file), ErrorCode::kFormat, GetParam().message);
  EXPECT_ERROR(parse(GetParam().file), ErrorCode::kFormat, "not a whole safetensors file 'FILE': ");
}

INSTANTIATE_TEST_SUITE_P(All, SafetensorsDamageTest, ::testing::ValuesIn(damages()),
                         [](const auto& test) { return test.param.name; });

TEST(SafetensorsHeaderTest, TheUndamagedFileIsSound) {
  const SafetensorsHeader header = parse(file_of(kSound, 8));
  EXPECT_EQ(header.data_start, 8 + std::string(kSound).size());
  EXPECT_EQ(header.tensors.at("a").shape, std::vector<int64_t>{2});
}

TEST(SafetensorsHeaderTest, EveryShorterFileIsRefused) {
  const std::string whole = file_of(kSound, 8);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_THROW(parse(whole.substr(0, size)), Error) << size;
  }
}

TEST(SafetensorsHeaderTest, RandomBytesInTheHeaderThrowOnlyErrors) {
  std::mt19937 random(7);
  const std::string whole = file_of(kSound, 8);
  int sound = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string file = whole;
    for (int change = 0; change < 2; ++change) {
      file[random() % file.size()] = static_cast<char>(random());
    }
    try {
      const SafetensorsHeader header = parse(file);
      for (const auto& [name, tensor] : header.tensors) {
        ASSERT_LE(header.data_start + tensor.end, file.size());
      }
      ++sound;
    } catch (const Error&) {
    }
  }
  EXPECT_GT(sound, 0);
  EXPECT_LT(sound, 15000);
}

TEST(SafetensorsHeaderTest, ReaderNamesTheFile) {
  const mw::test::ScratchFolder folder;
  mw::test::write_bytes(folder / "bad.safetensors", file_of(kSound, 7));
  EXPECT_ERROR(SafetensorsReader(folder / "bad.safetensors"), ErrorCode::kFormat,
               "bad.safetensors': tensor 'a' ends at byte");
  EXPECT_ERROR(SafetensorsReader(folder / "none.safetensors"), ErrorCode::kIo,
               "none.safetensors': No such file");
}

}  // namespace
}  // namespace mw::io
