// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/pull.h"

#include <gtest/gtest.h>
#include <sys/file.h>

#include <fcntl.h>
#include <unistd.h>

#include "tests/hub/hub_server.h"
#include "tests/support/disk_limit.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::hub {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::read_bytes;
using test::write_bytes;

class PullTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!server_.is_running()) GTEST_SKIP() << "no python3 to run a server with";
  }

  static fs::path prepared(const test::ScratchFolder& scratch) {
    const fs::path model = scratch / "hub/tiny/model";
    fs::create_directories(model / "transformer");
    write_bytes(model / "config.json", "{\"dim\": 4}\n");
    write_bytes(model / "a name.txt", "blanks\n");
    write_bytes(model / ".gitattributes", "hidden");
    write_bytes(model / "transformer/model.safetensors", weights());
    return scratch / "hub";
  }

  static std::string weights() {
    std::string bytes(300'000, '\0');
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i >> 3);
    return bytes;
  }

  HubConfig config(const std::string& token = "") const {
    return {.endpoint = server_.endpoint(),
            .token = token,
            .cache = scratch_ / "cache",
            .retry_delay_s = 0.01,
            .max_tries = 4};
  }

  PullResult run(const std::string& token = "") const { return pull(config(token), request_); }

  size_t num_requests(const std::string& part) const {
    size_t count = 0;
    for (const json& line : server_.requests()) {
      count += line["path"].get<std::string>().find(part) != std::string::npos;
    }
    return count;
  }

  void expect_whole() const {
    EXPECT_EQ(read_bytes(out_ / "config.json"), "{\"dim\": 4}\n");
    EXPECT_EQ(read_bytes(out_ / "transformer/model.safetensors"), weights());
    for (const auto& entry : fs::recursive_directory_iterator(out_)) {
      EXPECT_NE(entry.path().extension(), ".part") << entry.path();
    }
  }

  test::ScratchFolder scratch_;
  test::HubServer server_{prepared(scratch_)};
  fs::path out_ = scratch_ / "out";
  PullRequest request_{.repository = "tiny/model", .out = out_};
};

TEST_F(PullTest, FetchesAllButHiddenFilesOnce) {
  size_t last_done = 0;
  const PullResult result = pull(config(), request_, [&](const PullProgress& progress) {
    EXPECT_LE(progress.done_bytes, progress.total_bytes);
    last_done = static_cast<size_t>(progress.done_bytes);
  });
  expect_whole();
  EXPECT_EQ(result.num_files, 3u);
  EXPECT_EQ(result.commit, "0123456789abcdef0123456789abcdef01234567");
  EXPECT_EQ(static_cast<size_t>(result.total_bytes), last_done);
  EXPECT_FALSE(fs::exists(out_ / ".gitattributes"));
  EXPECT_EQ(read_bytes(out_ / "a name.txt"), "blanks\n");

  EXPECT_EQ(run().fetched_bytes, 0);
  EXPECT_EQ(num_requests("/resolve/"), 3u);
}

TEST_F(PullTest, LosesTheNoteButNotTheFiles) {
  run();
  for (const char* note : {"", "{]", "{\"files\": 3}"}) {
    write_bytes(out_ / ".pull.json", note);
    EXPECT_EQ(run().fetched_bytes, 0) << note;
  }
}

TEST_F(PullTest, AFileThatChangedHereIsFetchedAnew) {
  run();
  std::string changed = weights();
  changed[1000] ^= 1;
  write_bytes(out_ / "transformer/model.safetensors", changed);
  EXPECT_EQ(run().fetched_bytes, 300'000);
  expect_whole();
}

TEST_F(PullTest, CutConnectionsGoOnWhereTheyStopped) {
  server_.set_faults({{"cut", {100'000, 50'000, 0, 149'000}}});
  EXPECT_EQ(run().fetched_bytes, 11 + 7 + 300'000);
  expect_whole();
  std::vector<std::string> ranges;
  for (const json& line : server_.requests()) {
    if (line["path"].get<std::string>().starts_with("/bulk/") && line["range"].is_string()) {
      ranges.push_back(line["range"]);
    }
  }
  const std::vector<std::string> wanted = {"bytes=100000-", "bytes=150000-", "bytes=150000-",
                                           "bytes=299000-"};
  EXPECT_EQ(ranges, wanted);
}

TEST_F(PullTest, AnotherProcessGoesOnToo) {
  server_.set_faults({{"cut", {100'000, 0, 0, 0, 0}}});
  EXPECT_ERROR(run(), ErrorCode::kIo, "model.safetensors");
  EXPECT_FALSE(fs::exists(out_ / "transformer/model.safetensors"));
  server_.set_faults(json::object());
  EXPECT_EQ(run().fetched_bytes, 200'000);
  expect_whole();
}

TEST_F(PullTest, AServerWithoutRangesSendsAllAgain) {
  server_.set_faults({{"cut", {100'000}}, {"ranges", false}});
  EXPECT_EQ(run().fetched_bytes, 11 + 7 + 400'000);
  expect_whole();
}

TEST_F(PullTest, HalfAFileThatIsTooLongBeginsAnew) {
  server_.set_faults({{"cut", {100'000, 0, 0, 0, 0}}});
  EXPECT_ERROR(run(), ErrorCode::kIo, "model.safetensors");
  server_.set_faults(json::object());
  for (const auto& entry : fs::directory_iterator(out_ / "transformer")) {
    if (entry.path().extension() == ".part") write_bytes(entry.path(), std::string(400'000, 'x'));
  }
  EXPECT_EQ(run().fetched_bytes, 300'000);
  expect_whole();
}

TEST_F(PullTest, ADamagedAnswerIsFetchedOnceMore) {
  server_.set_faults({{"flip", {1}}});
  EXPECT_EQ(run().fetched_bytes, 11 + 7 + 600'000);
  expect_whole();
}

TEST_F(PullTest, AWrongChecksumIsAnErrorAndLeavesNothing) {
  server_.set_faults({{"flip", {1, 1, 1, 1}}});
  EXPECT_ERROR(run(), ErrorCode::kFormat,
               "'transformer/model.safetensors': wrong checksum, wanted ");
  EXPECT_TRUE(fs::is_empty(out_ / "transformer"));
}

TEST_F(PullTest, OutagesAreWaitedOutButNotForEver) {
  server_.set_faults({{"refuse", {503, 429, 500}}});
  EXPECT_EQ(run().num_files, 3u);
  server_.set_faults({{"refuse", {503, 503, 503, 503, 503}}});
  EXPECT_ERROR(run(), ErrorCode::kIo, "answers 503; try again later");
}

TEST_F(PullTest, TheTokenGoesToTheEndpointAlone) {
  server_.set_faults({{"token", "hf_secret"}});
  run("hf_secret");
  expect_whole();
  size_t elsewhere = 0;
  for (const json& line : server_.requests()) {
    if (line["host"] == "127.0.0.1") {
      EXPECT_EQ(line["token"], "Bearer hf_secret") << line;
    } else {
      EXPECT_TRUE(line["token"].is_null()) << line;
      ++elsewhere;
    }
  }
  EXPECT_EQ(elsewhere, 1u);
}

TEST_F(PullTest, RefusalsSayWhatToDo) {
  server_.set_faults({{"token", "hf_secret"}});
  EXPECT_ERROR(run(), ErrorCode::kIo,
               "answers 401: no public model of that name; if it is private, "
               "set HF_TOKEN to a token that may read it");
  EXPECT_ERROR(run("hf_other"), ErrorCode::kIo, "the token in use may not read it");
  server_.set_faults({{"gated", true}});
  EXPECT_ERROR(run(), ErrorCode::kIo, "answers 403: accept the model's terms on its page");
  server_.set_faults(json::object());
  request_.revision = "v9";
  EXPECT_ERROR(run(), ErrorCode::kIo, "answers 404: there is no such model, revision 'v9'");
  request_.repository = "tiny/../model";
  EXPECT_ERROR(run(), ErrorCode::kInvalidArgument, "wanted a model's name or OWNER/NAME");
}

TEST_F(PullTest, NothingAnswers) {
  HubConfig nobody = config();
  nobody.endpoint = "http://127.0.0.1:1";
  EXPECT_ERROR(pull(nobody, request_), ErrorCode::kIo, "no answer from 127.0.0.1:1: ");
  nobody.is_offline = true;
  EXPECT_ERROR(pull(nobody, request_), ErrorCode::kIo, "HF_HUB_OFFLINE is set");
}

TEST_F(PullTest, PatternsChoose) {
  request_.includes = {"*.json", "nothing*"};
  EXPECT_EQ(run().num_files, 1u);
  EXPECT_TRUE(fs::exists(out_ / "config.json"));
  EXPECT_FALSE(fs::exists(out_ / "transformer"));
  request_.includes = {"*.gguf"};
  EXPECT_ERROR(run(), ErrorCode::kInvalidArgument, "--include matches none");
}

TEST_F(PullTest, ListsComeInPages) {
  server_.set_faults({{"page", 1}});
  EXPECT_EQ(run().num_files, 3u);
  expect_whole();
}

TEST_F(PullTest, AHostileListIsRefused) {
  for (const char* path : {"../../evil", "/tmp/evil", "a/../../evil"}) {
    const json tree = {
        {{"type", "file"}, {"path", path}, {"size", 11}, {"oid", std::string(40, 'a')}}};
    server_.set_faults({{"tree", tree.dump()}});
    EXPECT_ERROR(run(), ErrorCode::kFormat, "leads out of the folder");
  }
  const json endless = {{{"type", "file"},
                         {"path", "config.json"},
                         {"size", int64_t{1} << 49},
                         {"oid", std::string(40, 'a')}}};
  server_.set_faults({{"tree", endless.dump()}});
  EXPECT_ERROR(run(), ErrorCode::kIo, "make room, or choose --out or --include");
}

TEST_F(PullTest, AFullDiskIsToldAndGoneOnFrom) {
  {
    const test::DiskLimit limit(150'000);
    EXPECT_ERROR(run(), ErrorCode::kIo, "cannot write '");
  }
  EXPECT_EQ(run().fetched_bytes, 150'000);
  expect_whole();
}

TEST_F(PullTest, FilesInTheHubsCacheAreLinked) {
  const fs::path blobs = scratch_ / "cache/models--tiny--model/blobs";
  fs::create_directories(blobs);
  run();
  const json note = json::parse(read_bytes(out_ / ".pull.json"));
  const std::string digest = note["files"]["transformer/model.safetensors"]["digest"];
  fs::remove_all(out_);
  write_bytes(blobs / digest, weights());
  EXPECT_EQ(run().fetched_bytes, 11 + 7);
  expect_whole();
  EXPECT_TRUE(fs::equivalent(blobs / digest, out_ / "transformer/model.safetensors"));

  fs::remove_all(out_);
  std::string damaged = weights();
  damaged[5] ^= 1;
  write_bytes(blobs / digest, damaged);
  EXPECT_EQ(run().fetched_bytes, 11 + 7 + 300'000);
  expect_whole();
}

TEST_F(PullTest, OneProcessAtATime) {
  fs::create_directories(out_);
  const int fd = ::open((out_ / ".pull.lock").c_str(), O_RDWR | O_CREAT, 0666);
  ASSERT_EQ(::flock(fd, LOCK_EX), 0);
  EXPECT_ERROR(run(), ErrorCode::kIo, "another process is fetching into");
  ::close(fd);
  run();
}

TEST_F(PullTest, StopsWhenTold) {
  std::atomic<bool> stop = false;
  const auto on_progress = [&](const PullProgress&) { stop = true; };
  EXPECT_ERROR(pull(config(), request_, on_progress, &stop), ErrorCode::kCancelled, "stopped");
  stop = false;
  pull(config(), request_, {}, &stop);
  expect_whole();
}

}  // namespace
}  // namespace mw::hub
