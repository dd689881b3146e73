// SPDX-License-Identifier: Apache-2.0
// What the commands that record, encode, train and measure refuse: one line that names the thing,
// status 1, and no file written. (`mw generate` and `mw forward`: beside this file.)
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/program.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_dataset.h"
#include "tests/support/tiny_world.h"

namespace mw {
namespace {

namespace fs = std::filesystem;

/// Arguments after the command's name, and what the line says.
struct BadInput {
  std::vector<std::string> arguments;
  std::string line;
};

class BadInputTest : public ::testing::Test {
 protected:
  BadInputTest() {
    test::write_tiny_world(scratch_ / "model");
    test::write_tiny_dataset(set_);
    fs::create_directory(scratch_ / "out");
    test::write_bytes(scratch_ / "file", "no folder");
    test::write_bytes(scratch_ / "bad.toml", "[run]\nsteps = 1\nsteps =\n");
    const std::string info = test::read_bytes(scratch_ / "set/dataset.json");
    for (const char* name : {"no_splits", "bad_json"}) fs::create_directory(scratch_ / name);
    test::write_bytes(scratch_ / "no_splits/dataset.json", info);
    test::write_bytes(scratch_ / "bad_json/dataset.json", info.substr(0, info.size() / 2));
  }

  /// Half of a file that was whole.
  static void cut(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

  /// A copy of the model whose `part` has lost the second half of its weights.
  std::string cut_model(const std::string& part) const {
    const fs::path model = scratch_ / ("cut_" + part);
    fs::copy(scratch_ / "model", model, fs::copy_options::recursive);
    cut(model / part / kWeights);
    return model;
  }

  std::string path(const std::string& name) const { return scratch_ / name; }

  void expect_refused(const std::vector<std::string>& command,
                      const std::vector<BadInput>& table) const {
    for (const BadInput& bad : table) {
      std::vector<std::string> arguments = command;
      arguments.insert(arguments.end(), bad.arguments.begin(), bad.arguments.end());
      EXPECT_TRUE(test::was_refused(test::run_mw(arguments), bad.line));
      const fs::recursive_directory_iterator written(scratch_ / "out");
      EXPECT_FALSE(std::any_of(begin(written), end(written), [](const auto& entry) {
        return entry.is_regular_file();
      })) << bad.line;
    }
  }

  static constexpr const char* kWeights = "diffusion_pytorch_model.safetensors";
  test::ScratchFolder scratch_;
  const std::string set_ = scratch_ / "set", out_ = scratch_ / "out/made";
};

TEST_F(BadInputTest, Commands) {
  expect_refused({}, {
                         {{}, "A subcommand is required; see --help"},
                         {{"atlantis"}, "unknown command 'atlantis'; see --help"},
                         {{"train"}, "A subcommand is required; see --help"},
                         {{"train", "atlantis"}, "unknown command 'atlantis'; see --help"},
                         {{"generate", "atlantis"}, "--out is required; see --help"},
                         {{"generate", "--out", out_ + ".mp4", "--seed", "-1"},
                          "--seed: wanted a whole number from 0, got -1; see --help"},
                     });
}

TEST_F(BadInputTest, Eval) {
  const std::string model = path("model"), vae = cut_model("vae"), world = cut_model("transformer");
  test::write_tiny_dataset(scratch_ / "cut_clip");
  cut(scratch_ / "cut_clip/clips/clip6.mp4");
  expect_refused(
      {"eval", "--long-starts", "0"},
      {
          {{"--model", model}, "--real is required; see --help"},
          {{"--model", model, "--real", path("none"), "--out", out_},
           "data set: no folder '" + path("none") + "'"},
          {{"--model", model, "--real", path("file")},
           "data set: no folder '" + path("file") + "'"},
          {{"--model", model, "--real", path("bad_json")},
           "'" + path("bad_json/dataset.json") + "': wanted a JSON object"},
          {{"--model", model, "--real", path("no_splits"), "--out", out_},
           "data set '" + path("no_splits") + "': no split 'val', it has none"},
          {{"--model", model, "--real", set_, "--split", "test"},
           "data set '" + set_ + "': no split 'test', it has train, val"},
          {{"--model", model, "--real", path("cut_clip"), "--out", out_, "--frames", "2"},
           "'" + path("cut_clip/clips/clip6.mp4") + "'"},
          {{"--model", model, "--real", set_, "--frames", "7"},
           "eval: split 'val' has no clip of more than 7 frames"},
          {{"--model", "atlantis", "--real", set_, "--out", out_},
           "model 'atlantis': no model there; looked in 'atlantis', "},
          {{"--model", vae, "--real", set_, "--out", out_},
           "not a whole safetensors file '" + vae + "/vae/" + kWeights + "'"},
          {{"--model", world, "--real", set_, "--out", out_},
           "not a whole safetensors file '" + world + "/transformer/" + kWeights + "'"},
          {{"--model", model, "--real", set_, "--out", path("file/x")},
           "'" + path("file/x") + "': Not a directory"},
          {{"--model", model, "--real", set_, "--sheet", path("none/x.png")},
           "cannot write '" + path("none/x.png") + "': there is no folder '" + path("none") + "'"},
          {{"--model", model, "--real", set_, "--starts", "0"},
           "--starts: Value 0 not in range 1 to 100000"},
      });
}

TEST_F(BadInputTest, DataEncode) {
  const std::string vae = path("model/vae"), cut_vae = cut_model("vae") + "/vae";
  expect_refused(
      {"data", "encode"},
      {
          {{"--data", set_}, "--vae is required; see --help"},
          {{"--data", path("none"), "--vae", vae}, "data set: no folder '" + path("none") + "'"},
          {{"--data", path("no_splits"), "--vae", vae},
           "data set '" + path("no_splits") + "': no split 'train', it has none"},
          {{"--data", set_, "--vae", path("none")},
           "vae: can't read '" + path("none/config.json") + "'"},
          {{"--data", set_, "--vae", cut_vae},
           "not a whole safetensors file '" + cut_vae + "/" + kWeights + "'"},
          {{"--data", set_, "--vae", vae, "--prior", path("none")},
           "camera prior: can't read '" + path("none/config.json") + "'"},
          {{"--data", set_, "--vae", vae, "--shard", "5/4"},
           "encode: --shard wants I/N with 1 <= I <= N, got '5/4'"},
          {{"--data", set_, "--vae", vae, "--shard", "one"},
           "encode: --shard wants I/N with 1 <= I <= N, got 'one'"},
      });
  EXPECT_FALSE(fs::exists(scratch_ / "set/encoded"));
}

TEST_F(BadInputTest, TrainVae) {
  const std::string data = "vae.data=" + set_, vae = cut_model("vae") + "/vae";
  expect_refused(
      {"train", "vae"},
      {
          {{"--set", data}, "train: --out names no folder for the run"},
          {{"--out", out_}, "config: 'vae.data' names no data set; say --set vae.data=FOLDER"},
          {{"--out", out_, "--set", "vae.dataa=x"},
           "config: unknown key 'vae.dataa'; did you mean 'vae.data'?"},
          {{"--out", out_, "--set", "vae.data"}, "--set wants key=value, got 'vae.data'"},
          {{"--out", out_, "--set", data, "--set", "run.steps=many"},
           "config: 'run.steps' wants a whole number, got 'many'"},
          {{"--out", out_, "--config", path("none.toml")},
           "config: no file '" + path("none.toml") + "'"},
          {{"--out", out_, "--config", path("bad.toml")},
           "config: '" + path("bad.toml") + "' line 3"},
          {{"--out", out_, "--set", "vae.data=" + path("none")},
           "data set: no folder '" + path("none") + "'"},
          {{"--out", out_, "--set", "vae.data=" + path("no_splits")},
           "data set '" + path("no_splits") + "': no split 'train', it has none"},
          {{"--out", out_, "--set", data, "--set", "vae.init_from=" + path("none")},
           "vae: can't read '" + path("none/config.json") + "'"},
          {{"--out", out_, "--set", data, "--set", "vae.init_from=" + vae},
           "not a whole safetensors file '" + vae + "/" + kWeights + "'"},
          {{"--out", out_, "--set", data, "--set", "vae.crop=12"},
           "config: crop must be a multiple of 8 up to the frame's height, got 12"},
          {{"--out", path("file/x"), "--set", data, "--set", "vae.crop=32"},
           "train: can't make '" + path("file/x") + "': Not a directory"},
          {{"--out", out_, "--set", data, "--set", "vae.crop=32", "--resume"},
           "cannot read '" + out_ + "/checkpoint.safetensors': No such file or directory"},
      });
}

TEST_F(BadInputTest, TrainBase) {
  const std::string cut_set = path("cut_set");
  test::write_tiny_dataset(cut_set);
  fs::create_directory(cut_set + "/encoded");
  test::write_bytes(cut_set + "/encoded/clip0.safetensors", "half of a");
  expect_refused(
      {"train", "base", "--out", out_},
      {
          {{}, "config: 'base.data' names no data set; say --set base.data=FOLDER"},
          {{"--set", "base.dimm=8"}, "config: unknown key 'base.dimm'; did you mean 'base.dim'?"},
          {{"--config", path("bad.toml")}, "config: '" + path("bad.toml") + "' line 3"},
          {{"--set", "base.data=" + path("none")}, "data set: no folder '" + path("none") + "'"},
          {{"--set", "base.data=" + set_},
           "train: no clip of split 'train' in '" + set_ + "' is encoded; run mw data encode"},
          {{"--set", "base.data=" + cut_set},
           "not a whole safetensors file '" + cut_set + "/encoded/clip0.safetensors'"},
      });
}

#ifdef MW_TEST_TEXT
TEST_F(BadInputTest, TrainText) {
  const std::string mute = path("mute"), model = path("out/spiece.model");
  test::write_tiny_dataset(mute);
  test::write_bytes(mute + "/captions.jsonl", "");
  expect_refused(
      {"train", "text"},
      {
          {{"--data", path("none"), "--out", model}, "data set: no folder '" + path("none") + "'"},
          {{"--data", path("no_splits"), "--out", model},
           "data set '" + path("no_splits") + "': no split 'train', it has none"},
          {{"--data", mute, "--out", model},
           "train text: no clip of split 'train' in '" + mute + "' has a caption"},
          {{"--data", set_, "--out", path("file/x")},
           "cannot write '" + path("file/x") + "': there is no folder '" + path("file") + "'"},
          {{"--data", set_, "--out", model, "--vocab-size", "4"},
           "--vocab-size: Value 4 not in range 32 to 32000"},
      });
}
#endif

TEST_F(BadInputTest, Bench) {
  const std::string vae = cut_model("vae"), world = cut_model("transformer");
  expect_refused({"bench"},
                 {
                     {{"gpu", "--model", path("model")}, "part: gpu not in {"},
                     {{"--model", "atlantis"}, "model 'atlantis': no model there; looked in "},
                     {{"vae", "--model", vae},
                      "not a whole safetensors file '" + vae + "/vae/" + kWeights + "'"},
                     {{"dit", "--model", world},
                      "not a whole safetensors file '" + world + "/transformer/" + kWeights + "'"},
                     {{"--repetitions", "0"}, "--repetitions: Value 0 not in range 1 to 1000000"},
                     {{"--max-seconds", "-1"}, "--max-seconds: "},
                 });
}

#ifdef MW_TEST_COLLECT
TEST_F(BadInputTest, Collect) {
  expect_refused(
      {"collect"},
      {
          {{"--clips", "1"}, "--out is required; see --help"},
          {{"--out", out_, "--clips", "0"}, "--clips 0: wanted 1 or more"},
          {{"--out", out_, "--clips", "1", "--frames", "1"}, "--frames 1: wanted 2 to 10000"},
          {{"--out", out_, "--clips", "1", "--shard", "3/2"},
           "--shard 3/2: wanted I/N with 1 <= I <= N"},
          {{"--out", out_, "--clips", "1", "--shard", "half"},
           "--shard: wanted two numbers with '/' between them, found 'half'"},
          {{"--out", out_, "--clips", "1", "--size", "100x100"},
           "--size 100x100: wanted multiples of 8 from 64x64 to 1024x576"},
          {{"--out", out_, "--clips", "1", "--twins", "some"},
           "--twins: wanted all or val, found 'some'"},
          {{"--out", path("file/x"), "--clips", "1"},
           "cannot make folder '" + path("file/x/clips") + "': Not a directory"},
          {{"--out", set_, "--clips", "9"},
           "data set '" + set_ + "' has 48x32 at 16 fps, wanted 176x96 at 16 fps; choose another"},
          {{"--out", path("bad_json"), "--clips", "1"},
           "'" + path("bad_json/dataset.json") + "': wanted a JSON object"},
      });
}

TEST_F(BadInputTest, CollectNamesThePackageOfAMissingProgram) {
  const std::vector<std::string> collect = {"collect", "--out", out_, "--clips", "1"};
  for (const char* path : {"PATH=", "PATH=/none"}) {
    EXPECT_TRUE(
        test::was_refused(test::run_mw(collect, {path}),
                          "collect: there is no program 'Xvfb'; install the Debian package xvfb"));
  }
}
#endif

}  // namespace
}  // namespace mw
