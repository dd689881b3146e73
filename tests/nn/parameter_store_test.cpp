// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/parameter_store.h"

#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "mw/nn/linear.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::nn {
namespace {

TEST(ParameterStoreTest, EqualSeedsGiveEqualWeights) {
  ParameterStore a = ParameterStore::created(3), b = ParameterStore::created(3);
  Linear(WeightScope(a) / "layer", 4, 5);
  Linear(WeightScope(b) / "layer", 4, 5);
  EXPECT_TENSOR_NEAR(a.tensors().at("layer.weight"), b.tensors().at("layer.weight"), test::kExact);
  EXPECT_EQ(a.num_parameters(), 25);
}

TEST(ParameterStoreTest, SaveLoadGivesTheSameTensors) {
  ParameterStore store = ParameterStore::created(1);
  Linear(WeightScope(store) / "layer", 3, 2);
  const std::string path = ::testing::TempDir() + "/store.safetensors";
  store.save(path, {{"format", "pt"}});
  const ParameterStore again = ParameterStore::loaded(path);
  EXPECT_TENSOR_NEAR(again.tensors().at("layer.bias"), store.tensors().at("layer.bias"),
                     test::kExact);
  EXPECT_EQ(read_metadata(path).at("format"), "pt");
}

TEST(ParameterStoreTest, MissingShapeAndUnusedAreNamed) {
  ParameterStore store(TensorMap{{"layer.weight", test::random_tensor({2, 3}, 1)},
                                 {"extra", test::random_tensor({1}, 2)}});
  EXPECT_ERROR(Linear(WeightScope(store) / "layer", 3, 2), ErrorCode::kWeights,
               "'layer.bias' is missing");
  EXPECT_ERROR(Linear(WeightScope(store) / "layer", 4, 2), ErrorCode::kWeights,
               "must be [2, 4], the file has [2, 3]");
  EXPECT_ERROR(store.check_all_used("model"), ErrorCode::kWeights,
               "weights: 'model' does not fit the model: without a place 1: extra");
}

TEST(ParameterStoreTest, LoadedFloatsAreConvertedAndCreationExtends) {
  const std::string path = ::testing::TempDir() + "/half.safetensors";
  write_tensors(path, {{"a.weight", test::random_tensor({2, 3}, 1)}});
  ParameterStore store = ParameterStore::loaded(path, at::kBFloat16);
  EXPECT_EQ(store.tensors().at("a.weight").scalar_type(), at::kBFloat16);
  store.allow_creation(5);
  const Linear layer(WeightScope(store) / "a", 3, 2);
  EXPECT_TRUE(layer.bias().defined());
}

struct TwoLinears {
  TwoLinears(const int64_t& width, const WeightScope& weights)
      : first(weights / "first", width, 2), second(weights / "second", width, 2) {}
  Linear first, second;
};

TEST(ParameterStoreTest, MissingUnusedMisshapenAndMistypedAreListedTogether) {
  const auto floats = at::TensorOptions(at::kFloat);
  ParameterStore store(TensorMap{{"first.weight", at::zeros({2, 3}, floats)},
                                 {"first.bias", at::zeros({2}, at::TensorOptions(at::kInt))},
                                 {"third.weight", at::zeros({1}, floats)}});
  EXPECT_ERROR(build_strictly<TwoLinears>(int64_t{4}, store, "FILE"), ErrorCode::kWeights,
               "weights: 'FILE' does not fit the model: missing 2: second.weight, second.bias; "
               "wrong 2: 'first.weight' must be [2, 4], the file has [2, 3], 'first.bias' must be "
               "of a floating dtype, the file has Int; without a place 1: third.weight");
  ParameterStore sound = ParameterStore::created(1);
  TwoLinears(4, WeightScope(sound));
  ParameterStore again(sound.tensors());
  EXPECT_EQ(build_strictly<TwoLinears>(int64_t{4}, again, "FILE").second.weight().size(1), 4);
}

TEST(ParameterStoreTest, GiantShapesOfMissingTensorsTakeNoMemory) {
  ParameterStore store{TensorMap()};
  EXPECT_ERROR(build_strictly<TwoLinears>(int64_t{1} << 40, store, "FILE"), ErrorCode::kWeights,
               "missing 4: ");
}

TEST(ReadTensorsTest, OtherFormatsGiveTheSameTensorsAsSafetensors) {
  const std::string folder = std::string(MW_SOURCE_DIR) + "/tests/goldens/readers/";
  for (const char* name : {"plain", "nested"}) {
    const TensorMap got = read_tensors(folder + name + ".pth");
    for (const auto& [key, tensor] : test::load_golden(std::string("readers/") + name)) {
      SCOPED_TRACE(key);
      ASSERT_EQ(got.count(key), 1u);
      EXPECT_EQ(got.at(key).scalar_type(), tensor.scalar_type());
      EXPECT_TENSOR_NEAR(got.at(key), tensor, test::kExact);
    }
  }
  const TensorMap blocks = read_tensors(folder + "blocks.gguf");
  const TensorMap rounded = read_tensors(folder + "blocks.gguf", at::kBFloat16);
  for (const auto& [key, tensor] : test::load_golden("readers/blocks")) {
    SCOPED_TRACE(key);
    EXPECT_TENSOR_NEAR(blocks.at(key), tensor, 1e-5);
    const bool is_quantized = key[0] == 'Q' || key[0] == 'q';
    EXPECT_TRUE(!is_quantized || rounded.at(key).scalar_type() == at::kBFloat16);
  }
}

TEST(ReadTensorsTest, IndexAndShardsMustAgree) {
  const test::ScratchFolder folder;
  write_tensors(folder / "m-1.safetensors", {{"a", at::zeros({1})}});
  write_tensors(folder / "m-2.safetensors", {{"b", at::zeros({1})}});
  const auto with_index = [&](const std::string& map) {
    test::write_bytes(folder / "m.safetensors.index.json", "{\"weight_map\":{" + map + "}}");
    return read_tensors(folder.path());
  };
  EXPECT_EQ(with_index(R"("a":"m-1.safetensors","b":"m-2.safetensors")").size(), 2u);
  EXPECT_ERROR(with_index(R"("a":"m-2.safetensors","b":"m-1.safetensors")"), ErrorCode::kFormat,
               "the index places tensor 'b' in '");
  write_tensors(folder / "m-2.safetensors", {{"a", at::zeros({1})}, {"b", at::zeros({1})}});
  EXPECT_ERROR(with_index(R"("a":"m-1.safetensors","b":"m-2.safetensors")"), ErrorCode::kFormat,
               "tensor 'a' stands in two shards");
}

}  // namespace
}  // namespace mw::nn
