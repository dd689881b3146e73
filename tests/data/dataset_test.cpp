// SPDX-License-Identifier: Apache-2.0
#include "mw/data/dataset.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "mw/data/dataset_writer.h"
#include "mw/io/safetensors.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"

namespace mw::data {
namespace {

namespace fs = std::filesystem;
using test::read_bytes;
using test::ScratchFolder;
using test::write_bytes;

const DatasetInfo kInfo{.name = "meadow",
                        .fps = 16,
                        .width = 64,
                        .height = 48,
                        .license = "CC-BY-SA-3.0",
                        .made_by = {{"seed", "7"}}};

NewClip clip_of(const std::string& id, int num_frames) {
  NewClip clip{.id = id, .frames = {}, .rows = {}, .caption = "a walk, " + id, .depth = Depth()};
  *clip.depth = {num_frames, 12, 16,
                 std::vector<uint8_t>(static_cast<size_t>(num_frames) * 12 * 16)};
  for (int i = 0; i < num_frames; ++i) {
    clip.frames.push_back(test::smooth_picture(64, 48, 0.1 * i));
    FrameRow row;
    if (i > 0) row.action.keys[0] = 1;
    row.position = {0, 0, 0.25 * i};
    clip.rows.push_back(row);
    clip.depth->inverse[static_cast<size_t>(i) * 12 * 16] = static_cast<uint8_t>(i);
  }
  return clip;
}

/// A folder with clips `a` (5 frames) and `b` (8 frames, no caption, no depth) and splits.
class DatasetTest : public ::testing::Test {
 protected:
  DatasetTest() {
    const DatasetWriter writer(folder_.path(), kInfo);
    writer.write_clip(clip_of("b", 8));
    writer.write_clip(clip_of("a", 5));
    NewClip bare = clip_of("b", 8);
    bare.caption.clear();
    bare.depth.reset();
    fs::remove(folder_ / "captions.jsonl");
    fs::remove(folder_ / "depth/b.safetensors");
    writer.write_clip(bare);
    writer.write_clip(clip_of("a", 5));
    writer.write_splits({{"train", {"b"}}, {"val", {"a"}}});
  }
  ScratchFolder folder_;
};

TEST_F(DatasetTest, ClipsComeBackAsWritten) {
  const Dataset dataset(folder_.path());
  EXPECT_EQ(dataset.info(), kInfo);
  EXPECT_EQ(dataset.ids(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(dataset.split("val"), std::vector<std::string>{"a"});
  EXPECT_EQ(dataset.count_frames("b"), 8);
  const NewClip wanted = clip_of("a", 5);
  const Clip clip = dataset.clip("a");
  EXPECT_EQ(clip.caption(), "a walk, a");
  EXPECT_EQ(clip.rows(), wanted.rows);
  EXPECT_EQ(clip.actions().num_frames(), 5);
  EXPECT_EQ(clip.load_depth(), wanted.depth);
  const Frames frames = clip.load_frames();
  ASSERT_EQ(frames.num_frames, 5);
  ASSERT_EQ(frames.rgb.size(), size_t{5} * 64 * 48 * 3);
  for (size_t i = 0; i < 5; ++i) {
    const size_t size = size_t{64} * 48 * 3;
    const auto* begin = frames.rgb.data() + i * size;
    EXPECT_GT(test::psnr({64, 48, {begin, begin + size}}, wanted.frames[i]), 34) << i;
  }
  EXPECT_EQ(dataset.clip("b").caption(), "");
  EXPECT_FALSE(dataset.clip("b").load_depth().has_value());
  EXPECT_EQ(dataset.paths().encoded("a"), folder_ / "encoded/a.safetensors");
  EXPECT_TRUE(dataset.validate().empty());
}

TEST_F(DatasetTest, WritingAgainGivesEqualBytes) {
  const ScratchFolder& folder = folder_;
  const std::string video = read_bytes(folder / "clips/a.mp4");
  const std::string rows = read_bytes(folder / "actions/a.jsonl");
  const DatasetWriter writer(folder.path(), kInfo);
  EXPECT_TRUE(writer.has_clip("a"));
  EXPECT_FALSE(writer.has_clip("c"));
  writer.write_clip(clip_of("a", 5));
  EXPECT_EQ(read_bytes(folder / "clips/a.mp4"), video);
  EXPECT_EQ(read_bytes(folder / "actions/a.jsonl"), rows);
}

TEST_F(DatasetTest, EachKindOfDamageIsFoundAndNamed) {
  struct Damage {
    std::function<void()> make;
    const char* message;
  };
  const auto cut = [&](const char* name, double share) {
    const std::string whole = read_bytes(folder_ / name);
    write_bytes(folder_ / name,
                whole.substr(0, static_cast<size_t>(share * static_cast<double>(whole.size()))));
  };
  const auto edit = [&](const char* name, const std::string& part, const std::string& instead) {
    std::string text = read_bytes(folder_ / name);
    text.replace(text.find(part), part.size(), instead);
    write_bytes(folder_ / name, text);
  };
  const Damage damages[] = {
      {[&] { fs::remove(folder_ / "clips/a.mp4"); }, "clips/a.mp4': No such file"},
      {[&] { cut("clips/a.mp4", 0.5); }, "clips/a.mp4': "},
      {[&] { cut("clips/a.mp4", 0.97); }, "clips/a.mp4': damaged or truncated"},
      {[&] { write_bytes(folder_ / "clips/a.mp4", "not a video"); }, "clips/a.mp4': no known"},
      {[&] {
         fs::copy(folder_ / "clips/b.mp4", folder_ / "clips/a.mp4",
                  fs::copy_options::overwrite_existing);
       },
       "clips/a.mp4': 5 rows of actions, more frames"},
      {[&] {
         fs::copy(folder_ / "clips/a.mp4", folder_ / "clips/b.mp4",
                  fs::copy_options::overwrite_existing);
       },
       "clips/b.mp4': 8 rows of actions, only 5 frames"},
      {[&] { cut("actions/a.jsonl", 0.9); }, "actions/a.jsonl': line 5: wanted a JSON object"},
      {[&] { write_bytes(folder_ / "actions/a.jsonl", ""); },
       "actions/a.jsonl': actions must have 1"},
      {[&] { edit("actions/a.jsonl", "\"frame\":3", "\"frame\":4"); },
       "a.jsonl': line 4: 'frame' must be 3"},
      {[&] { edit("actions/a.jsonl", "\"keys\":[0", "\"keys\":[1"); },
       "a.jsonl': row 0: must have no key"},
      {[&] { cut("depth/a.safetensors", 0.9); },
       "depth/a.safetensors': tensor 'inverse_depth' ends"},
      {[&] {
         write_depth(folder_ / "depth/a.safetensors", {1, 1, 1, {0}});
       },
       "5 rows of actions, 1 frames of depth"},
      {[&] { io::write_safetensors(folder_ / "depth/a.safetensors", {}); },
       "wanted a tensor 'inverse_depth'"},
      {[&] {
         write_splits(folder_ / "splits.json", {{"train", {"a", "zz"}}});
       },
       "'train' names clip 'zz', which is not there"},
      {[&] {
         write_splits(folder_ / "splits.json", {{"train", {"a"}}, {"val", {"a"}}});
       },
       "clip 'a' is in 'train' and in 'val'"},
  };
  const DatasetWriter writer(folder_.path(), kInfo);
  for (const Damage& damage : damages) {
    SCOPED_TRACE(damage.message);
    damage.make();
    const std::vector<std::string> problems = Dataset(folder_.path()).validate();
    ASSERT_EQ(problems.size(), 1u);
    EXPECT_THAT(problems[0], ::testing::HasSubstr(damage.message));
    writer.write_clip(clip_of("a", 5));  // Repair.
    writer.write_clip(clip_of("b", 8));
    writer.write_splits({});
    EXPECT_TRUE(Dataset(folder_.path()).validate().empty());
  }
}

TEST_F(DatasetTest, UnsoundFoldersAreRefusedWithTheFile) {
  const auto open = [&] { Dataset dataset(folder_.path()); };
  EXPECT_ERROR(Dataset(folder_ / "none"), ErrorCode::kIo, "data set: no folder");
  EXPECT_ERROR(Dataset(folder_ / "clips"), ErrorCode::kIo, "clips/dataset.json': No such file");
  EXPECT_ERROR(Dataset(folder_.path()).split("test"), ErrorCode::kInvalidArgument,
               "no split 'test', it has train, val");
  EXPECT_ERROR(Dataset(folder_.path()).clip("../a"), ErrorCode::kInvalidArgument, "clip id '../a'");
  EXPECT_ERROR(Dataset(folder_.path()).clip("c"), ErrorCode::kIo, "actions/c.jsonl': No such file");

  write_bytes(folder_ / "splits.json", R"({"train":["../../etc"]})");
  EXPECT_ERROR(open(), ErrorCode::kInvalidArgument, "splits.json': clip id '../../etc'");
  write_bytes(folder_ / "splits.json", R"({"train":"a"})");
  EXPECT_ERROR(open(), ErrorCode::kFormat, "splits.json': a field is missing or of another type");
  fs::remove(folder_ / "splits.json");
  write_bytes(folder_ / "captions.jsonl", "{\"id\":\"a\",\"caption\":\"x\"}\n{\"id\":\"a\"}\n");
  EXPECT_ERROR(open(), ErrorCode::kFormat, "captions.jsonl' line 2: wanted {\"id\"");
  fs::remove(folder_ / "captions.jsonl");
  const std::string info = read_bytes(folder_ / "dataset.json");
  const std::pair<const char*, const char*> edits[] = {
      {"", "dataset.json': wanted a JSON object"},
      {"[]", "dataset.json': wanted a JSON object"},
      {"{}", "dataset.json': a field is missing"},
      {R"({"version":2})", "dataset.json': layout version 2, this program reads 1"},
  };
  for (const auto& [text, message] : edits) {
    write_bytes(folder_ / "dataset.json", text);
    EXPECT_ERROR(open(), ErrorCode::kFormat, message);
  }
  write_bytes(folder_ / "dataset.json", info);
  EXPECT_EQ(Dataset(folder_.path()).ids().size(), 2u);
}

TEST_F(DatasetTest, WriterRefusesPartsThatDisagree) {
  const DatasetWriter writer(folder_.path(), kInfo);
  const auto refused = [&](const std::function<void(NewClip&)>& change, const char* message) {
    NewClip clip = clip_of("c", 3);
    change(clip);
    EXPECT_ERROR(writer.write_clip(clip), ErrorCode::kInvalidArgument, message);
  };
  refused([](NewClip& clip) { clip.rows.pop_back(); }, "3 frames and 2 rows");
  refused([](NewClip& clip) { clip.frames[1] = video::make_image(32, 48); }, "frame 1 is 32x48");
  refused([](NewClip& clip) { clip.depth->num_frames = 2; }, "3 frames and 2 of depth");
  refused([](NewClip& clip) { clip.rows[0].action.yaw = 1; }, "clip 'c': row 0: must have no key");
  refused([](NewClip& clip) { clip.id = "a/b"; }, "clip id 'a/b'");
  refused([](NewClip& clip) { clip.id = ".a"; }, "clip id '.a'");
  EXPECT_FALSE(writer.has_clip("c"));
  EXPECT_FALSE(fs::exists(folder_ / "clips/c.mp4"));
  DatasetInfo other = kInfo;
  other.width = 128;
  EXPECT_ERROR(DatasetWriter(folder_.path(), other), ErrorCode::kInvalidArgument,
               "has 64x48 at 16 fps, wanted 128x48 at 16 fps");
}

TEST_F(DatasetTest, AClipMayComeFrameByFrameAndCountsAtTheEnd) {
  const DatasetWriter writer(folder_.path(), kInfo);
  const NewClip wanted = clip_of("c", 6);
  {
    ClipWriter clip(writer, "c");
    for (size_t i = 0; i < 6; ++i) clip.add(wanted.frames[i], wanted.rows[i]);
    EXPECT_EQ(clip.num_frames(), 6);
    EXPECT_EQ(Dataset(folder_.path()).ids().size(), 2U);
    clip.finish(wanted.caption);
    writer.add_to_split("train", "c");
    ClipWriter given_up(writer, "d");
    given_up.add(wanted.frames[0], wanted.rows[0]);
    EXPECT_ERROR(given_up.add(video::make_image(32, 32), wanted.rows[1]),
                 ErrorCode::kInvalidArgument, "32x32");
    ClipWriter moving(writer, "e");
    EXPECT_ERROR(moving.add(wanted.frames[0], wanted.rows[1]), ErrorCode::kFormat, "row 0");
    EXPECT_ERROR(ClipWriter(writer, "../f"), ErrorCode::kInvalidArgument, "clip id");
  }
  const Dataset dataset(folder_.path());
  EXPECT_EQ(dataset.ids(), (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(dataset.split("train"), (std::vector<std::string>{"b", "c"}));
  EXPECT_EQ(dataset.split("val"), std::vector<std::string>{"a"});
  EXPECT_EQ(dataset.clip("c").rows(), wanted.rows);
  EXPECT_EQ(dataset.clip("c").caption(), wanted.caption);
  EXPECT_EQ(dataset.validate(), std::vector<std::string>{});
}

TEST_F(DatasetTest, ManyAddToASplitAtOnce) {
  const DatasetWriter writer(folder_.path(), kInfo);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&writer, t] {
      for (int i = 0; i < 10; ++i) {
        writer.add_to_split("play", "clip-" + std::to_string(t) + "-" + std::to_string(i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(Dataset(folder_.path()).splits().at("play").size(), 40U);
}

}  // namespace
}  // namespace mw::data
