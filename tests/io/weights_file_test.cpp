// SPDX-License-Identifier: Apache-2.0
// Files that torch and the gguf package wrote (tools/goldens/readers.py) against what those read.
#include "mw/io/weights_file.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "mw/io/safetensors.h"
#include "tests/support/checkpoint_bytes.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

namespace fs = std::filesystem;

fs::path golden(const std::string& name) {
  return fs::path(MW_SOURCE_DIR) / "tests/goldens/readers" / name;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

void expect_same(const WeightsFile& got, const SafetensorsReader& wanted) {
  EXPECT_EQ(got.tensors().size(), wanted.tensors().size());
  for (const auto& [name, tensor] : wanted.tensors()) {
    SCOPED_TRACE(name);
    ASSERT_EQ(got.tensors().count(name), 1u);
    const StoredTensor& read = got.tensors().at(name);
    EXPECT_EQ(std::get<DType>(read.type), tensor.dtype);
    EXPECT_EQ(read.shape, tensor.shape);
    EXPECT_TRUE(same_bytes(read.data, tensor.data));
  }
}

TEST(WeightsFileTest, TorchCheckpointHasTheValuesOfTorch) {
  const WeightsFile file(golden("plain.pth"));
  EXPECT_EQ(file.format(), WeightsFormat::kTorch);
  expect_same(file, SafetensorsReader(golden("plain.safetensors")));
}

TEST(WeightsFileTest, AveragedWeightsOfANestedCheckpointAreTaken) {
  expect_same(WeightsFile(golden("nested.pth")), SafetensorsReader(golden("nested.safetensors")));
}

TEST(WeightsFileTest, OtherFormatsAreToldByContent) {
  const test::ScratchFolder scratch;
  fs::copy(golden("plain.pth"), scratch / "name.bin");
  EXPECT_EQ(WeightsFile(scratch / "name.bin").format(), WeightsFormat::kTorch);
  EXPECT_EQ(WeightsFile(golden("plain.safetensors")).format(), WeightsFormat::kSafetensors);
  EXPECT_EQ(WeightsFile(golden("blocks.gguf")).format(), WeightsFormat::kGguf);
}

TEST(WeightsFileTest, PicklesThatDoMoreAreRefusedByName) {
  EXPECT_ERROR(WeightsFile(golden("global.pth")), ErrorCode::kFormat,
               "it names 'torch.Size', which is not part of a plain dictionary of tensors");
  EXPECT_ERROR(WeightsFile(golden("legacy.pth")), ErrorCode::kFormat,
               "is a pickle from before torch 1.6, which is not read");
}

TEST(WeightsFileTest, GgufBlocksHaveTheValuesOfTheGgufPackage) {
  const WeightsFile file(golden("blocks.gguf"));
  const SafetensorsReader wanted(golden("blocks.safetensors"));
  EXPECT_EQ(file.metadata().at("general.architecture"), "wan");
  EXPECT_EQ(file.metadata().at("general.file_type"), "7");
  EXPECT_EQ(file.tensors().size(), wanted.tensors().size());
  for (const auto& [name, tensor] : wanted.tensors()) {
    SCOPED_TRACE(name);
    ASSERT_EQ(file.tensors().count(name), 1u);
    const StoredTensor& read = file.tensors().at(name);
    EXPECT_EQ(read.shape, tensor.shape);
    const auto* type = std::get_if<BlockType>(&read.type);
    if (type == nullptr) {
      if (std::get<DType>(read.type) == tensor.dtype) {
        EXPECT_TRUE(same_bytes(read.data, tensor.data));
      } else {  // bfloat16 is the upper half of the float32 that it was dequantised to.
        for (size_t i = 0; 2 * i < read.data.size(); ++i) {
          EXPECT_TRUE(same_bytes(read.data.subspan(2 * i, 2), tensor.data.subspan(4 * i + 2, 2)));
        }
      }
      continue;
    }
    EXPECT_TRUE(name == "q8_0.real" || name == read.type_name());
    std::vector<float> values(read.num_elements());
    dequantize(*type, read.data, values);
    const auto* reference = reinterpret_cast<const float*>(tensor.data.data());
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_NEAR(values[i], reference[i], 1e-6 + 1e-6 * std::abs(reference[i])) << i;
    }
  }
}

TEST(WeightsFileTest, HalfPrecisionIsExact) {
  EXPECT_EQ(half_to_float(0x0000), 0.0f);
  EXPECT_EQ(half_to_float(0x0001), std::ldexp(1.0f, -24));
  EXPECT_EQ(half_to_float(0x3c00), 1.0f);
  EXPECT_EQ(half_to_float(0xc000), -2.0f);
  EXPECT_EQ(half_to_float(0x7bff), 65504.0f);
  EXPECT_TRUE(std::isinf(half_to_float(0x7c00)));
  EXPECT_TRUE(std::isnan(half_to_float(0x7e00)));
}

TEST(WeightsFileTest, ArchivesWith64BitSizesAreRead) {
  const std::string pickle = test::pickled_dict("w", test::pickled_tensor("0", 2, 0, {2}, {1}));
  const std::string data = test::little_endian<uint64_t>(0x3f80000040000000);
  for (const bool is_zip64 : {false, true}) {
    const test::ScratchFolder scratch;
    test::write_bytes(scratch / "m.pth",
                      test::zip_of({{"a/data.pkl", pickle}, {"a/data/0", data}}, is_zip64));
    const WeightsFile file(scratch / "m.pth");
    EXPECT_EQ(file.tensors().at("w").shape, std::vector<int64_t>{2});
    EXPECT_TRUE(same_bytes(file.tensors().at("w").data, std::as_bytes(std::span(data))));
  }
}

}  // namespace
}  // namespace mw::io
