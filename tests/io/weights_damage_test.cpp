// SPDX-License-Identifier: Apache-2.0
// Damaged and hostile files of each format: refused with a message that names the damage.
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "mw/io/gguf.h"
#include "mw/io/shard_index.h"
#include "mw/io/torch_checkpoint.h"
#include "tests/support/checkpoint_bytes.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

using test::checkpoint_of;
using test::gguf_tensor;
using test::gguf_text;
using test::GgufBytes;
using test::little_endian;
using test::pickled;
using test::pickled_dict;
using test::pickled_tensor;
using test::zip_of;

struct Damage {
  std::string name;
  std::string bytes;
  std::string message;  ///< Part of what must be said.
};

void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }

const std::string kEight = "12345678";

std::string one_tensor(const std::string& tensor) {
  return checkpoint_of(pickled_dict("w", tensor), {{"0", kEight}});
}

std::string with_pickle(const std::string& pickle) { return checkpoint_of(pickle, {}); }

std::vector<Damage> checkpoints() {
  const std::string sound = one_tensor(pickled_tensor("0", 2, 0, {2}, {1}));
  const std::string pickle = pickled_dict("w", pickled_tensor("0", 2, 0, {2}, {1}));
  std::string deep = "\x80\x02";
  for (int i = 0; i < 6; ++i) deep += "}" + pickled(std::string("model"));
  deep += "}ssssss.";
  return {
      {"Empty", "", "too few bytes for a zip archive"},
      {"Cut", sound.substr(0, sound.size() / 2), "no end record of a zip archive: it is truncated"},
      {"DirectoryPastTheEnd",
       [&] {
         std::string bytes = sound;
         return bytes.replace(bytes.size() - 6, 4, "\xf0\xff\xff\x7f");
       }(),
       "a directory of"},
      {"Compressed", zip_of({{"a/data.pkl", pickle, 8}}), "'a/data.pkl' is compressed"},
      {"Encrypted", zip_of({{"a/data.pkl", pickle, 0, 1}}), "'a/data.pkl' is encrypted"},
      {"Bomb", zip_of({{"a/data.pkl", pickle, 0, 0, 1 << 30}}), "claims 1073741824 bytes"},
      {"OverlappingEntries", zip_of({{"a/data.pkl", pickle}, {"a/data.pkl2", "x", 0, 0, -1, 0}}),
       "has another name in its own header"},
      {"SharedBytes", zip_of({{"a", zip_of({{"b", "x"}})}, {"b", "x", 0, 0, -1, 31}}),
       "two entries share the bytes"},
      {"EntryTwice", zip_of({{"a/data.pkl", pickle}, {"a/data.pkl", pickle}}), "is given twice"},
      {"HeaderPastTheDirectory", zip_of({{"a/data.pkl", pickle, 0, 0, -1, 1 << 20}}),
       "lies after the directory"},
      {"NoPickle", zip_of({{"a/readme", "x"}}), "without '<name>/data.pkl'"},
      {"TorchScript", zip_of({{"a/constants.pkl", "x"}, {"a/data.pkl", pickle}}),
       "a TorchScript program"},
      {"BigEndian", zip_of({{"a/byteorder", "big"}, {"a/data.pkl", pickle}}), "byte order 'big'"},
      {"CallsSystem",
       with_pickle("\x80\x02"
                   "cposix\nsystem\n" +
                   pickled(std::string("true")) + "\x85R."),
       "it names 'posix.system', which is not part"},
      {"StackGlobal",
       with_pickle("\x80\x04" + pickled(std::string("builtins")) + pickled(std::string("eval")) +
                   "\x93."),
       "it names 'builtins.eval'"},
      {"CallsAStorage",
       with_pickle("\x80\x02"
                   "ctorch\nFloatStorage\n)R."),
       "a call of 'torch FloatStorage'"},
      {"CallsANumber",
       with_pickle("\x80\x02"
                   "K\x01)R."),
       "a call of a value that is no function"},
      {"NewObject",
       with_pickle("\x80\x02"
                   "ccollections\nOrderedDict\n)\x81."),
       "instruction 129"},
      {"Extension", with_pickle("\x80\x02\x82\x01."), "instruction 130"},
      {"InstanceOfOld", with_pickle("(ios\nsystem\n."), "instruction 105"},
      {"PickleCut", with_pickle(pickle.substr(0, pickle.size() - 1)), "it is truncated"},
      {"TextPastTheEnd",
       with_pickle("\x80\x02X\xff\xff\xff\x7f"
                   "a."),
       "it is truncated"},
      {"StackEmpty",
       with_pickle("\x80\x02"
                   "0."),
       "lacks its values"},
      {"NoMark", with_pickle("\x80\x02t."), "lacks its mark"},
      {"ItemsOfANumber", with_pickle("\x80\x02K\x01K\x01K\x01s."), "items for a value"},
      {"NotRemembered", with_pickle("\x80\x02h\x05."), "was not remembered"},
      {"NoDictionary", with_pickle("\x80\x02K\x01."), "no dictionary of tensors"},
      {"NoTensors", with_pickle(pickled_dict("step", "K\x01")), "holds no tensors"},
      {"NestedTooDeeply", with_pickle(deep), "nested too deeply"},
      {"ListBesideTensors",
       checkpoint_of("\x80\x02}" + pickled(std::string("w")) + pickled_tensor("0", 2, 0, {2}, {1}) +
                         "s" + pickled(std::string("x")) + "]s.",
                     {{"0", kEight}}),
       "'x' is neither a tensor nor"},
      {"StorageMissing",
       checkpoint_of(pickled_dict("w", pickled_tensor("9", 2, 0, {2}, {1})), {{"0", kEight}}),
       "its storage 'model/data/9' is missing"},
      {"StorageTraversal",
       checkpoint_of(pickled_dict("w", pickled_tensor("../data.pkl", 2, 0, {2}, {1})),
                     {{"0", kEight}}),
       "'model/data/../data.pkl' is missing"},
      {"StorageTooSmall", one_tensor(pickled_tensor("0", 3, 0, {3}, {1})), "claims 3 elements"},
      {"ShapePastTheEnd", one_tensor(pickled_tensor("0", 2, 0, {3}, {1})), "pass the end"},
      {"OffsetPastTheEnd", one_tensor(pickled_tensor("0", 2, 1, {2}, {1})), "pass the end"},
      {"StridePastTheEnd", one_tensor(pickled_tensor("0", 2, 0, {2}, {2})), "pass the end"},
      {"NegativeOffset", one_tensor(pickled_tensor("0", 2, -1, {1}, {1})), "from 0"},
      {"NegativeSize", one_tensor(pickled_tensor("0", 2, 0, {-2}, {1})), "from 0"},
      {"Expanded", one_tensor(pickled_tensor("0", 2, 0, {1 << 30, 1 << 30}, {0, 0})),
       "its elements overlap"},
      {"SizeOverflows",
       one_tensor(pickled_tensor("0", 2, 0, {1 << 30, 1 << 30, 1 << 30}, {0, 0, 0})), "overflows"},
      {"MoreSizesThanStrides", one_tensor(pickled_tensor("0", 2, 0, {2}, {})), "more sizes"},
      {"UnknownStorage", one_tensor(pickled_tensor("0", 2, 0, {2}, {1}, "ComplexFloatStorage")),
       "it names 'torch.ComplexFloatStorage'"},
  };
}

std::string gguf_with(const std::string& tensor, const std::string& data = std::string(64, 'd')) {
  return GgufBytes{.tensors = tensor, .data = data}.file();
}

std::vector<Damage> ggufs() {
  const std::string sound = gguf_with(gguf_tensor("w", {4}, 0, 0), std::string(16, 'd'));
  const std::string two = gguf_tensor("a", {4}, 0, 0);
  const uint64_t huge = uint64_t{1} << 60;
  const auto keyed = [](const std::string& keys, uint64_t count) {
    return GgufBytes{.num_tensors = 0, .num_keys = count, .keys = keys}.file();
  };
  return {
      {"Empty", "", "it is truncated"},
      {"Magic", "GGML" + sound.substr(4), "does not begin with GGUF"},
      {"Version1", GgufBytes{.version = 1}.file(), "version 1; wanted 2 or 3"},
      {"BigEndianVersion", GgufBytes{.version = 0x03000000}.file(), "wanted 2 or 3"},
      {"TensorCount", GgufBytes{.num_tensors = huge}.file(), "tensors in a file of"},
      {"KeyCount", GgufBytes{.num_tensors = 0, .num_keys = huge}.file(), "keys in a file of"},
      {"KeyLength", keyed(little_endian(huge) + std::string(32, 'k'), 1), "it is truncated"},
      {"KeyTooLong",
       keyed(gguf_text(std::string(70000, 'k')) + little_endian<uint32_t>(0) + "x", 1),
       "a key of 70000 bytes"},
      {"KeyTwice",
       keyed(gguf_text("k") + little_endian<uint32_t>(0) + "x" + gguf_text("k") +
                 little_endian<uint32_t>(0) + "x",
             2),
       "key 'k' is given twice"},
      {"ValueType", keyed(gguf_text("k") + little_endian<uint32_t>(99) + std::string(16, 'x'), 1),
       "unknown type 99"},
      {"ListLength",
       keyed(gguf_text("k") + little_endian<uint32_t>(9) + little_endian<uint32_t>(8) +
                 little_endian(huge),
             1),
       "a list of 1152921504606846976 texts"},
      {"ListOfLists",
       keyed(gguf_text("k") + little_endian<uint32_t>(9) + little_endian<uint32_t>(9) +
                 little_endian<uint64_t>(1),
             1),
       "a list of values of type 9"},
      {"Alignment",
       keyed(
           gguf_text("general.alignment") + little_endian<uint32_t>(4) + little_endian<uint32_t>(0),
           1),
       "general.alignment of 0"},
      {"Cut", sound.substr(0, sound.size() - 1), "it is truncated"},
      {"Axes", gguf_with(gguf_text("w") + little_endian<uint32_t>(1 << 30)), "1073741824 axes"},
      {"SizeNegative", gguf_with(gguf_tensor("w", {~uint64_t{0}}, 0, 0)), "a size of"},
      {"SizeOverflows", gguf_with(gguf_tensor("w", {huge, huge}, 0, 0)), "overflows"},
      {"Type", gguf_with(gguf_tensor("w", {4}, 10, 0)), "type 10, which is not read"},
      {"HalfABlock", gguf_with(gguf_tensor("w", {33}, 8, 0)), "no whole blocks of 32 in Q8_0"},
      {"OffsetPastTheEnd", gguf_with(gguf_tensor("w", {4}, 0, 1 << 20)), "it is truncated"},
      {"OffsetHuge", gguf_with(gguf_tensor("w", {4}, 0, huge)), "it is truncated"},
      {"OffsetUneven", gguf_with(gguf_tensor("w", {4}, 0, 4)), "no multiple of 32"},
      {"NameTwice",
       GgufBytes{.num_tensors = 2,
                 .tensors = two + gguf_tensor("a", {4}, 0, 32),
                 .data = std::string(64, 'd')}
           .file(),
       "'a' is given twice"},
      {"Overlap",
       GgufBytes{.num_tensors = 2,
                 .tensors = gguf_tensor("b", {12}, 0, 0) + gguf_tensor("a", {4}, 0, 32),
                 .data = std::string(64, 'd')}
           .file(),
       "share the data byte 32"},
  };
}

std::vector<Damage> indices() {
  const auto map = [](const std::string& entries) { return "{\"weight_map\":{" + entries + "}}"; };
  return {
      {"Empty", "", "its size is not that of an index"},
      {"Cut", R"({"weight_map":{"a":"m.safe)", "not JSON at byte"},
      {"List", "[]", "wanted a JSON object"},
      {"NoMap", R"({"metadata":{"weight_map":{"a":"m.safetensors"}}})", "'weight_map'"},
      {"MapIsAList", R"({"weight_map":["m.safetensors"]})", "wanted a JSON object"},
      {"MapTwice", R"({"weight_map":{"a":"m.safetensors"},"weight_map":{}})",
       "'weight_map' is given twice"},
      {"TensorTwice", map(R"("a":"m.safetensors","a":"n.safetensors")"), "'a' is given twice"},
      {"Number", map(R"("a":1)"), "must give a file name for 'a'"},
      {"Nested", map(R"("a":{})"), "must give a file name for 'a'"},
      {"NestedList", map(R"("a":[])"), "must give a file name for 'a'"},
      {"Up", map(R"("a":"../m.safetensors")"), "is not the name of a .safetensors file"},
      {"Root", map(R"("a":"/m.safetensors")"), "is not the name of a .safetensors file"},
      {"Backslash", map(R"("a":"..\\m.safetensors")"), "is not the name of a .safetensors file"},
      {"Hidden", map(R"("a":".m.safetensors")"), "is not the name of a .safetensors file"},
      {"Zero", map(R"("a":"m\u0000.safetensors")"), "is not the name of a .safetensors file"},
      {"DeepNesting", "{\"a\":" + std::string(1000000, '['), "not JSON at byte"},
  };
}

class CheckpointDamageTest : public ::testing::TestWithParam<Damage> {};
TEST_P(CheckpointDamageTest, IsRefusedAndNamed) {
  EXPECT_ERROR(parse_torch_checkpoint(std::as_bytes(std::span(GetParam().bytes)), "FILE"),
               ErrorCode::kFormat, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(All, CheckpointDamageTest, ::testing::ValuesIn(checkpoints()),
                         [](const auto& test) { return test.param.name; });

class GgufDamageTest : public ::testing::TestWithParam<Damage> {};
TEST_P(GgufDamageTest, IsRefusedAndNamed) {
  EXPECT_ERROR(parse_gguf(std::as_bytes(std::span(GetParam().bytes)), "FILE"), ErrorCode::kFormat,
               GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(All, GgufDamageTest, ::testing::ValuesIn(ggufs()),
                         [](const auto& test) { return test.param.name; });

class ShardIndexDamageTest : public ::testing::TestWithParam<Damage> {};
TEST_P(ShardIndexDamageTest, IsRefusedAndNamed) {
  EXPECT_ERROR(parse_shard_index(std::as_bytes(std::span(GetParam().bytes)), "FILE"),
               ErrorCode::kFormat, GetParam().message);
}
INSTANTIATE_TEST_SUITE_P(All, ShardIndexDamageTest, ::testing::ValuesIn(indices()),
                         [](const auto& test) { return test.param.name; });

TEST(WeightsDamageTest, EveryShorterFileIsRefused) {
  const std::string checkpoint = one_tensor(pickled_tensor("0", 2, 0, {2}, {1}));
  const std::string gguf = gguf_with(gguf_tensor("w", {4}, 0, 0), std::string(16, 'd'));
  for (size_t size = 0; size < checkpoint.size(); ++size) {
    EXPECT_THROW(parse_torch_checkpoint(std::as_bytes(std::span(checkpoint).first(size)), "FILE"),
                 Error);
  }
  for (size_t size = 0; size < gguf.size(); ++size) {
    EXPECT_THROW(parse_gguf(std::as_bytes(std::span(gguf).first(size)), "FILE"), Error);
  }
}

TEST(WeightsDamageTest, RandomBytesThrowOnlyErrors) {
  const auto folder = std::string(MW_SOURCE_DIR) + "/tests/goldens/readers/";
  for (const char* name : {"plain.pth", "nested.pth", "blocks.gguf"}) {
    const std::string whole = test::read_bytes(folder + name);
    std::mt19937 random(3);
    int sound = 0;
    for (int i = 0; i < 3000; ++i) {
      std::string file = whole;
      for (int change = 0; change < 3; ++change) {
        file[random() % file.size()] = static_cast<char>(random());
      }
      try {
        const auto bytes = std::as_bytes(std::span(file));
        sound +=
            static_cast<int>(whole[0] == 'P' ? parse_torch_checkpoint(bytes, "F").tensors.size()
                                             : parse_gguf(bytes, "F").tensors.size());
      } catch (const Error&) {
      }
    }
    EXPECT_GT(sound, 0) << name;
  }
}

}  // namespace
}  // namespace mw::io
