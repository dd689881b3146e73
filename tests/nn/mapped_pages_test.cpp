// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/mapped_pages.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "mw/nn/tensor_file.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tensors.h"

namespace mw::nn {
namespace {

constexpr int64_t kValues = 1 << 20;  // 4 MB.

/// Bytes of mapped files that are in memory now.
int64_t resident_file_bytes() {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("RssFile:")) return std::stoll(line.substr(8)) * 1024;
  }
  return -1;
}

class MappedPagesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    write_tensors(scratch_ / "w.safetensors", {{"weight", stored_}});
    weight_ = read_tensors(scratch_ / "w.safetensors").at("weight");
  }
  test::ScratchFolder scratch_;
  at::Tensor stored_ = test::random_tensor({kValues}, 1), weight_;
};

TEST_F(MappedPagesTest, ReadingWeightsCopiesNothingAndDroppingGivesThemBack) {
  const int64_t before = resident_file_bytes();
  const double sum = weight_.sum().item<double>();
  const int64_t whole = weight_.nbytes();
  EXPECT_GT(resident_file_bytes() - before, whole / 2);

  const MappedPages pages({weight_});
  EXPECT_GT(pages.num_bytes(), whole - 3 * 4096);
  const int64_t loaded = resident_file_bytes();
  pages.drop();
  EXPECT_LT(resident_file_bytes(), loaded - whole / 2);
  EXPECT_EQ(weight_.sum().item<double>(), sum);
  EXPECT_TENSOR_NEAR(weight_, stored_, test::kExact);
}

TEST_F(MappedPagesTest, ChangedWeightsAreKept) {
  const MappedPages pages({weight_});
  weight_.add_(1);
  pages.drop();
  EXPECT_TENSOR_NEAR(weight_, stored_.add(1), test::kExact);
}

TEST_F(MappedPagesTest, ChangesThroughViewsCount) {
  const MappedPages pages({weight_});
  weight_.narrow(0, 5000, 100).zero_();
  pages.drop();
  EXPECT_EQ(weight_.narrow(0, 5000, 100).abs().sum().item<float>(), 0);
}

TEST_F(MappedPagesTest, OtherMemoryIsLeftAlone) {
  const at::Tensor own = weight_.clone();
  const MappedPages pages({own, at::Tensor(test::random_tensor({3}, 2))});
  EXPECT_EQ(pages.num_bytes(), 0);
  pages.drop();
  EXPECT_TENSOR_NEAR(own, stored_, test::kExact);
}

}  // namespace
}  // namespace mw::nn
