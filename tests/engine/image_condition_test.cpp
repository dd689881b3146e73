// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/image_condition.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/tensors.h"

namespace mw::engine {
namespace {

constexpr ClipSize kSize{.width = 48, .height = 32};

struct Case {
  const char* name;
  ImageRules rules;
};

/// Pictures that the references' own code prepared; see tools/goldens/image_condition.py.
class ImageConditionTest : public ::testing::TestWithParam<Case> {
 protected:
  ImageConditionTest() {
    const at::Tensor bytes = golden_.at("image").contiguous();  // [H, W, 3]
    image_ = video::make_image(static_cast<int>(bytes.size(1)), static_cast<int>(bytes.size(0)));
    image_.rgb.assign(bytes.const_data_ptr<uint8_t>(),
                      bytes.const_data_ptr<uint8_t>() + bytes.numel());
  }
  nn::TensorMap golden_ = test::load_golden("engine/image_condition");
  video::Image image_;
};

TEST_P(ImageConditionTest, StartFrameIsTheReferences) {
  const at::Tensor want = golden_.at(std::string("start.") + GetParam().name);
  EXPECT_TENSOR_NEAR(start_pixels(image_, kSize, GetParam().rules), want, 2e-6);
}

TEST_P(ImageConditionTest, ClipPixelsAreTheReferences) {
  if (GetParam().rules == ImageRules::kTI2V) return;  // It has no image encoder.
  const at::Tensor want = golden_.at(std::string("clip.") + GetParam().name);
  EXPECT_TENSOR_NEAR(clip_pixels(image_, kSize, 28, GetParam().rules), want, 5e-6);
}

INSTANTIATE_TEST_SUITE_P(Rules, ImageConditionTest,
                         ::testing::Values(Case{"wan", ImageRules::kWan},
                                           Case{"micro_world", ImageRules::kMicroWorld},
                                           Case{"diffusers", ImageRules::kDiffusers},
                                           Case{"ti2v", ImageRules::kTI2V}));

TEST(SizeForImageTest, KeepsAreaAndAspect) {
  const auto size = [](int width, int height, int64_t area, int64_t multiple, ImageRules rules) {
    const ClipSize got = size_for_image(video::make_image(width, height), area, multiple, rules);
    return std::to_string(got.width) + "x" + std::to_string(got.height);
  };
  // The root of the area lies a rounding error below 480, and the original cuts it off.
  EXPECT_EQ(size(832, 480, 480 * 832, 16, ImageRules::kWan), "832x464");
  EXPECT_EQ(size(832, 480, 480 * 832, 16, ImageRules::kDiffusers), "832x480");
  EXPECT_EQ(size(1280, 720, 480 * 832, 16, ImageRules::kWan), "832x464");
  EXPECT_EQ(size(600, 900, 720 * 1280, 16, ImageRules::kWan), "768x1168");
  EXPECT_EQ(size(600, 900, 720 * 1280, 16, ImageRules::kDiffusers), "784x1168");
  EXPECT_EQ(size(1000, 1027, 480 * 832, 16, ImageRules::kWan), "608x640");
  EXPECT_EQ(size(1000, 1027, 480 * 832, 16, ImageRules::kDiffusers), "624x640");
  EXPECT_EQ(size(1280, 704, 704 * 1280, 32, ImageRules::kTI2V), "1280x704");
  EXPECT_EQ(size(1000, 1000, 704 * 1280, 32, ImageRules::kTI2V), "960x928");
  EXPECT_EQ(size(1920, 1080, 704 * 1280, 32, ImageRules::kTI2V), "1248x704");
  EXPECT_EQ(size(700, 1200, 704 * 1280, 32, ImageRules::kTI2V), "736x1216");
}

TEST(SizeForImageTest, AStripeIsRefused) {
  EXPECT_ERROR(size_for_image(video::make_image(30000, 1), 480 * 832, 16, ImageRules::kWan),
               ErrorCode::kInvalidArgument, "30000x1 is too narrow");
}

TEST(ConditionTest, MaskFollowsThePublishedTable) {
  // Ones at latent frame 0, all four channels; of a last frame, its last channel alone.
  const at::Tensor first = given_frames_mask(3, 2, 4, false),
                   both = given_frames_mask(3, 2, 4, true);
  ASSERT_EQ(first.sizes(), (std::vector<int64_t>{1, 4, 3, 2, 4}));
  for (int64_t c = 0; c < 4; ++c) {
    for (int64_t t = 0; t < 3; ++t) {
      const double start = t == 0 ? 1 : 0, end = t == 2 && c == 3 ? 1 : 0;
      EXPECT_EQ(first[0][c][t].min().item<double>(), start);
      EXPECT_EQ(first[0][c][t].max().item<double>(), start);
      EXPECT_EQ(both[0][c][t].min().item<double>(), start + end);
      EXPECT_EQ(both[0][c][t].max().item<double>(), start + end);
    }
  }
}

TEST(ConditionTest, FramesThatAreNotGivenAreGrey) {
  const at::Tensor first = test::random_tensor({1, 3, 2, 4}, 1),
                   last = test::random_tensor({1, 3, 2, 4}, 2);
  const at::Tensor video = condition_video(first, last, 5);
  ASSERT_EQ(video.sizes(), (std::vector<int64_t>{1, 3, 5, 2, 4}));
  EXPECT_TENSOR_NEAR(video.select(2, 0), first, test::kExact);
  EXPECT_EQ(video.narrow(2, 1, 3).abs().max().item<double>(), 0);
  EXPECT_TENSOR_NEAR(video.select(2, 4), last, test::kExact);
  EXPECT_EQ(condition_video(first, {}, 1).size(2), 1);
  EXPECT_ERROR(condition_video(first, last, 1), ErrorCode::kInvalidArgument, "2 given frames");
}

}  // namespace
}  // namespace mw::engine
