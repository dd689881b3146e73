// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/hub_config.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "mw/hub/http_client.h"
#include "mw/hub/known_models.h"
#include "mw/hub/listing.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::hub {
namespace {

/// None of the variables is set, and the home folder is empty. Each test is a process of its own.
class HubConfigTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"HF_ENDPOINT", "HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "HF_HUB_CACHE",
                             "HF_HUB_OFFLINE", "XDG_CACHE_HOME"}) {
      ::unsetenv(name);
    }
    ::setenv("HOME", home_.path().c_str(), 1);
  }
  test::ScratchFolder home_;
};

TEST_F(HubConfigTest, DefaultsAreThePublicHubsOwn) {
  const HubConfig config = HubConfig::from_environment();
  EXPECT_EQ(config.endpoint, "https://huggingface.co");
  EXPECT_EQ(config.token, "");
  EXPECT_EQ(config.cache, home_ / ".cache/huggingface/hub");
  EXPECT_FALSE(config.is_offline);
}

TEST_F(HubConfigTest, VariablesDecide) {
  ::setenv("HF_ENDPOINT", "http://127.0.0.1:9/mirror//", 1);
  ::setenv("HF_HOME", (home_ / "hf").c_str(), 1);
  ::setenv("HF_HUB_OFFLINE", "1", 1);
  std::filesystem::create_directories(home_ / "hf");
  test::write_bytes(home_ / "hf/token", " hf_stored \n");
  HubConfig config = HubConfig::from_environment();
  EXPECT_EQ(config.endpoint, "http://127.0.0.1:9/mirror");
  EXPECT_EQ(config.cache, home_ / "hf/hub");
  EXPECT_EQ(config.token, "hf_stored");
  EXPECT_TRUE(config.is_offline);
  ::setenv("HF_TOKEN", "hf_given", 1);
  EXPECT_EQ(HubConfig::from_environment().token, "hf_given");
}

TEST_F(HubConfigTest, NonsenseIsNamed) {
  ::setenv("HF_ENDPOINT", "huggingface.co", 1);
  EXPECT_ERROR(HubConfig::from_environment(), ErrorCode::kConfig, "HF_ENDPOINT: wanted an address");
  ::unsetenv("HF_ENDPOINT");
  ::setenv("HF_TOKEN", "a\nX-Header: b", 1);
  EXPECT_ERROR(HubConfig::from_environment(), ErrorCode::kConfig, "HF_TOKEN: wanted one line");
}

TEST(OriginTest, IsSchemeHostAndPort) {
  EXPECT_EQ(origin_of("https://HuggingFace.co/a?b"), "https://huggingface.co:443");
  EXPECT_EQ(origin_of("http://127.0.0.1:8080/x"), "http://127.0.0.1:8080");
  EXPECT_NE(origin_of("https://huggingface.co"), origin_of("https://huggingface.co.evil.org"));
  EXPECT_NE(origin_of("https://huggingface.co"), origin_of("https://huggingface.co:444"));
  EXPECT_EQ(origin_of("https://huggingface.co@evil.org"), "https://evil.org:443");
  EXPECT_EQ(origin_of("file:///etc/passwd"), "");
}

TEST(KnownModelsTest, NamesAndCommandsAreWhole) {
  for (const KnownModel& model : known_models()) {
    EXPECT_TRUE(is_repository_name(model.repository)) << model.repository;
    EXPECT_EQ(find_known_model(model.name), &model);
    EXPECT_EQ(find_known_model(model.repository), &model);
    EXPECT_TRUE(model.base == nullptr || find_known_model(model.base) != nullptr);
    const std::string command = next_command(&model, model.name);
    EXPECT_NE(command.find(std::string("--model ") + model.name), std::string::npos);
    EXPECT_EQ(command.find("--image") != std::string::npos, std::string(model.task)[0] == 'i');
    EXPECT_EQ(command.find("--actions") != std::string::npos, std::string(model.task)[2] == 'w');
  }
  EXPECT_EQ(find_known_model("no-such-model"), nullptr);
  EXPECT_EQ(next_command(nullptr, "a/b"), "mw inspect a/b");
}

}  // namespace
}  // namespace mw::hub
