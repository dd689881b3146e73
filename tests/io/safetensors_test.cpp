// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "mw/io/safetensors_header.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

using test::read_bytes;
using test::ScratchFolder;

/// Tensors with seeded random names, types, shapes (scalars and empty ones too) and bytes.
class RandomTensors {
 public:
  explicit RandomTensors(uint32_t seed) : random_(seed) {
    const int count = pick(0, 12);
    for (int i = 0; i < count; ++i) add("layer." + std::to_string(pick(0, 999)) + ".weight");
    const int pairs = pick(0, 3);
    for (int i = 0; i < pairs; ++i) metadata["key" + std::to_string(i)] = "v\"\n\\\xc3\xa9";
  }
  std::map<std::string, TensorData> tensors;
  std::map<std::string, std::string> metadata;

 private:
  int pick(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  void add(const std::string& name) {
    TensorData tensor{static_cast<DType>(pick(0, 11)), {}, {}};
    const int rank = pick(0, 4);
    for (int i = 0; i < rank; ++i) tensor.shape.push_back(pick(0, 9) == 0 ? 0 : pick(1, 5));
    auto& bytes = storage_[name];
    bytes.resize(tensor_bytes(tensor.dtype, tensor.shape));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(pick(0, 255));
    tensor.data = bytes;
    tensors[name] = tensor;
  }
  std::mt19937 random_;
  std::map<std::string, std::vector<std::byte>> storage_;
};

TEST(SafetensorsTest, RoundTripKeepsEverythingAndSavesEqualBytes) {
  const ScratchFolder folder;
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const RandomTensors random(seed);
    write_safetensors(folder / "a.safetensors", random.tensors, random.metadata);
    const SafetensorsReader reader(folder / "a.safetensors");
    EXPECT_EQ(reader.metadata(), random.metadata);
    ASSERT_EQ(reader.tensors().size(), random.tensors.size());
    for (const auto& [name, wanted] : random.tensors) {
      const TensorView& found = reader.tensors().at(name);
      EXPECT_EQ(found.dtype, wanted.dtype);
      EXPECT_EQ(found.shape, wanted.shape);
      ASSERT_EQ(found.data.size(), wanted.data.size());
      EXPECT_TRUE(std::equal(found.data.begin(), found.data.end(), wanted.data.begin()));
      EXPECT_EQ(reinterpret_cast<uintptr_t>(found.data.data()) % size_of(found.dtype), 0u);
    }
    write_safetensors(folder / "b.safetensors", reader.tensors(), reader.metadata());
    EXPECT_EQ(read_bytes(folder / "a.safetensors"), read_bytes(folder / "b.safetensors"));
  }
}

TEST(SafetensorsTest, LayoutIsThatOfTheFormat) {
  const ScratchFolder folder;
  const float weight[2] = {1.0f, -2.0f};
  const uint8_t mask[3] = {1, 0, 1};
  write_safetensors(folder / "a.safetensors",
                    {{"mask", {DType::kBool, {3}, std::as_bytes(std::span(mask))}},
                     {"w", {DType::kF32, {1, 2}, std::as_bytes(std::span(weight))}}},
                    {{"format", "pt"}});
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},)"
      R"("mask":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]}})";
  const size_t padded = (header.size() + 7) / 8 * 8;
  std::string wanted(8, '\0');
  wanted[0] = static_cast<char>(padded);
  wanted += header + std::string(padded - header.size(), ' ');
  wanted += std::string("\0\0\x80\x3f\0\0\0\xc0\1\0\1", 11);
  EXPECT_EQ(read_bytes(folder / "a.safetensors"), wanted);
}

// Golden: tools/goldens/io_safetensors.py.
TEST(SafetensorsTest, ReferenceFileReadsAndIsWrittenByteForByte) {
  const std::string golden = MW_SOURCE_DIR "/tests/goldens/io/every_dtype.safetensors";
  const SafetensorsReader reader(golden);
  ASSERT_EQ(reader.tensors().size(), 36u);
  const auto counts = [&]<class T>(const std::string& name, T /*type*/) {
    const TensorView& view = reader.tensors().at(name);
    EXPECT_EQ(view.shape, (std::vector<int64_t>{2, 3})) << name;
    std::vector<T> values(6);
    std::memcpy(values.data(), view.data.data(), view.data.size());
    return values;
  };
  EXPECT_EQ(counts("b.float64", 0.0), (std::vector<double>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(counts("b.float32", 0.0f), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(counts("b.int64", int64_t{0}), (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(counts("b.int32", 0), (std::vector<int>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(counts("b.uint8", uint8_t{0}), (std::vector<uint8_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(counts("b.bool", uint8_t{0}), (std::vector<uint8_t>{0, 1, 0, 1, 0, 1}));
  EXPECT_EQ(counts("b.bfloat16", uint16_t{0}),
            (std::vector<uint16_t>{0, 0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0}));

  const ScratchFolder folder;
  write_safetensors(folder / "a.safetensors", reader.tensors(), reader.metadata());
  EXPECT_EQ(read_bytes(folder / "a.safetensors"), read_bytes(golden));
}

TEST(SafetensorsTest, EveryDTypeHasItsNameAndSize) {
  const std::map<std::string, size_t> sizes = {
      {"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},   {"U8", 1},      {"BOOL", 1}};
  for (const auto& [name, size] : sizes) {
    const auto dtype = dtype_from_name(name);
    ASSERT_TRUE(dtype.has_value()) << name;
    EXPECT_EQ(name_of(*dtype), name);
    EXPECT_EQ(size_of(*dtype), size) << name;
  }
  EXPECT_FALSE(dtype_from_name("U64").has_value());
}

TEST(SafetensorsTest, WriterRefusesWhatItCouldNotReadBack) {
  const ScratchFolder folder;
  const std::vector<std::byte> bytes(8);
  const auto write = [&](const std::string& name, std::vector<int64_t> shape) {
    write_safetensors(folder / "a.safetensors", {{name, {DType::kF32, std::move(shape), bytes}}});
  };
  EXPECT_ERROR(write("w", {3}), ErrorCode::kInvalidArgument, "'w': dtype and shape want 12 bytes");
  EXPECT_ERROR(write("__metadata__", {2}), ErrorCode::kInvalidArgument, "__metadata__");
  EXPECT_ERROR(write("\xff", {2}), ErrorCode::kInvalidArgument, "not UTF-8");
  EXPECT_ERROR(write("w", {-2, -1}), ErrorCode::kFormat, "negative");
  EXPECT_EQ(folder.num_entries(), 0u);
}

TEST(SafetensorsTest, UnwritableTargetNamesIt) {
  EXPECT_ERROR(write_safetensors("/nowhere/a.safetensors", {}), ErrorCode::kIo,
               "'/nowhere/a.safetensors': there is no folder '/nowhere'");
}

}  // namespace
}  // namespace mw::io
