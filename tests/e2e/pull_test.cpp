// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "tests/hub/hub_server.h"
#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"

namespace mw::test {
namespace {

namespace fs = std::filesystem;

TEST(PullCommandTest, FetchesIntoTheCacheAndNamesTheNextCommand) {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "hub/Wan-AI/Wan2.1-T2V-1.3B");
  write_bytes(scratch / "hub/Wan-AI/Wan2.1-T2V-1.3B/config.json", "{}");
  const HubServer server(scratch / "hub");
  if (!server.is_running()) GTEST_SKIP() << "no python3 to run a server with";
  const std::vector<std::string> environment = {
      "HF_ENDPOINT=" + server.endpoint(), "HF_TOKEN=hf_mine",
      "HF_HOME=" + (scratch / "hf").string(), "XDG_CACHE_HOME=" + (scratch / "cache").string()};

  const ProgramResult done = run_mw({"pull", "wan2.1-t2v-1.3b"}, environment);
  EXPECT_EQ(done.status, 0) << done.err;
  EXPECT_NE(done.out.find("1 files"), std::string::npos) << done.out;
  EXPECT_NE(done.out.find("next: mw generate --task t2v --model wan2.1-t2v-1.3b"),
            std::string::npos)
      << done.out;
  EXPECT_EQ(read_bytes(scratch / "cache/microworld/models/wan2.1-t2v-1.3b/config.json"), "{}");

  const ProgramResult json = run_mw({"pull", "Wan-AI/Wan2.1-T2V-1.3B", "--json", "--out",
                                     (scratch / "mine").string(), "--include", "*.json"},
                                    environment);
  EXPECT_EQ(json.status, 0) << json.err;
  const auto result = nlohmann::json::parse(json.out);
  EXPECT_EQ(result["files"], 1);
  EXPECT_EQ(result["fetched_bytes"], 2);
  EXPECT_EQ(read_bytes(scratch / "mine/config.json"), "{}");

  EXPECT_TRUE(was_refused(run_mw({"pull", "nobody/nothing"}, environment), "answers 404"));
  EXPECT_TRUE(was_refused(run_mw({"pull", "nonsense"}, environment), "OWNER/NAME"));
}

}  // namespace
}  // namespace mw::test
