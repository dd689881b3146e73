// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/parameter_store.h"

#include <gtest/gtest.h>

#include "mw/nn/linear.h"
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
               "1 tensors that the model has no place for: extra");
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

}  // namespace
}  // namespace mw::nn
