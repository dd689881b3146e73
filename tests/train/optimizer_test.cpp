// SPDX-License-Identifier: Apache-2.0
#include "mw/train/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "mw/train/muon.h"
#include "tests/support/tensors.h"

namespace mw::train {
namespace {

const auto kNoName = [](const std::string&) { return false; };
const auto kEveryName = [](const std::string&) { return true; };

/// The tensors of a golden whose names start with `prefix`, copied and without it.
nn::TensorMap part(const nn::TensorMap& golden, const std::string& prefix) {
  nn::TensorMap found;
  for (const auto& [name, tensor] : golden) {
    if (name.starts_with(prefix)) found[name.substr(prefix.size())] = tensor.clone();
  }
  return found;
}

TEST(OptimizerTest, MovesWeightsAsPyTorchDoes) {
  const nn::TensorMap golden = test::load_golden("train/optimizer");
  nn::ParameterStore store(part(golden, "start."));
  Optimizer optimizer({.learning_rate = 1e-2, .muon_learning_rate = 2e-2}, store, kNoName,
                      [](const std::string& name) { return name == "tall" || name == "wide"; });
  for (int64_t i = 0; i < golden.at("factors").size(0); ++i) {
    for (auto& [name, gradient] : part(golden, "gradient" + std::to_string(i) + ".")) {
      at::Tensor weight = store.tensors().at(name);
      weight.mutable_grad() = gradient;
    }
    optimizer.step(golden.at("factors")[i].item<double>());
  }
  for (const auto& [name, wanted] : part(golden, "end.")) {
    SCOPED_TRACE(name);
    EXPECT_TENSOR_NEAR(store.tensors().at(name), wanted, test::kFp32Reordered);
  }
}

TEST(OptimizerTest, ClippedNormIsReportedUnclipped) {
  nn::ParameterStore store({{"w", test::random_tensor({4}, 1)}});
  Optimizer optimizer({}, store, kNoName, kNoName);
  at::Tensor weight = store.tensors().at("w");
  weight.mutable_grad() = at::Tensor(weight.detach()).clone().fill_(3);
  EXPECT_NEAR(optimizer.step(1), 6, 1e-6);
  EXPECT_FALSE(weight.grad().defined());
}

TEST(OptimizerTest, GradientsThatAreNotFiniteChangeNothing) {
  nn::ParameterStore store({{"w", test::random_tensor({4}, 1)}});
  Optimizer optimizer({}, store, kNoName, kNoName);
  at::Tensor weight = store.tensors().at("w");
  const at::Tensor before = weight.detach().clone();
  weight.mutable_grad() = before.clone().fill_(std::nan(""));
  EXPECT_FALSE(std::isfinite(optimizer.step(1)));
  EXPECT_TENSOR_NEAR(weight.detach(), before, test::kExact);
  EXPECT_EQ(optimizer.state().at("num_updates").item<int64_t>(), 0);
}

TEST(OptimizerTest, FrozenWeightsTakeNoGradients) {
  nn::ParameterStore store(
      {{"frozen", test::random_tensor({2, 2}, 1)}, {"w", test::random_tensor({2, 2}, 2)}});
  const Optimizer optimizer(
      {}, store, [](const std::string& name) { return name == "frozen"; }, kEveryName);
  EXPECT_FALSE(store.tensors().at("frozen").requires_grad());
  EXPECT_TRUE(store.tensors().at("w").requires_grad());
  EXPECT_EQ(optimizer.state().count("frozen.mean"), 0u);
}

TEST(OptimizerTest, StateOfAnotherRunIsRefused) {
  nn::ParameterStore store({{"w", test::random_tensor({4}, 1)}});
  Optimizer optimizer({}, store, kNoName, kNoName);
  nn::TensorMap state = optimizer.state();
  state["w.mean"] = test::random_tensor({5}, 1);
  EXPECT_ERROR(optimizer.load_state(state), ErrorCode::kWeights, "'w.mean'");
}

TEST(MuonTest, SingularValuesComeNearOne) {
  for (const std::vector<int64_t>& shape : {std::vector<int64_t>{8, 24}, {24, 8}, {16, 16}}) {
    const at::Tensor x = orthogonalised(test::random_tensor(shape, 3));
    ASSERT_EQ(x.sizes(), at::IntArrayRef(shape));
    // The squared Frobenius norm is the sum of squared singular values: about one each.
    const double per_direction = x.pow(2).sum().item<double>() / std::min(shape[0], shape[1]);
    EXPECT_GT(per_direction, 0.6);
    EXPECT_LT(per_direction, 1.4);
  }
}

}  // namespace
}  // namespace mw::train
