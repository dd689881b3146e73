// SPDX-License-Identifier: Apache-2.0
// The data set that ships in data/sample.
#include <gtest/gtest.h>

#include <filesystem>

#include "mw/data/dataset.h"
#include "mw/video/image_file.h"

namespace mw::data {
namespace {

const std::filesystem::path kSample = std::filesystem::path(MW_SOURCE_DIR) / "data/sample";

TEST(SampleTest, IsASoundDataset) {
  const Dataset sample(kSample);
  EXPECT_EQ(sample.ids().size(), 32U);
  for (const std::string& fault : sample.validate()) ADD_FAILURE() << fault;
}

TEST(SampleTest, SplitsShareNoWorld) {
  const Dataset sample(kSample);
  const auto world = [](const std::string& id) { return id.substr(0, id.find('-')); };
  for (const std::string& held_out : sample.split("val")) {
    for (const std::string& id : sample.split("train")) EXPECT_NE(world(id), world(held_out));
  }
}

TEST(SampleTest, StartPicturesHaveTheClipsSize) {
  const Dataset sample(kSample);
  int pictures = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kSample / "start")) {
    const video::Image image = video::read_image(entry.path());
    EXPECT_EQ(image.width, sample.info().width) << entry.path();
    EXPECT_EQ(image.height, sample.info().height) << entry.path();
    ++pictures;
  }
  EXPECT_EQ(pictures, 6);
}

}  // namespace
}  // namespace mw::data
