// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors_files.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

namespace fs = std::filesystem;
using test::ScratchFolder;
using test::write_bytes;

TEST(SafetensorsFilesTest, OneFileNeedsNoIndex) {
  const ScratchFolder folder;
  write_bytes(folder / "model.safetensors", "x");
  write_bytes(folder / ".model.safetensors.1-0.tmp", "x");
  write_bytes(folder / ".half.safetensors", "x");
  const std::vector<fs::path> wanted = {folder / "model.safetensors"};
  EXPECT_EQ(safetensors_files(folder.path()), wanted);
  EXPECT_EQ(safetensors_files(folder / "model.safetensors"), wanted);
}

TEST(SafetensorsFilesTest, IndexListsTheShardsOnce) {
  const ScratchFolder folder;
  write_bytes(folder / "m-1.safetensors", "x");
  write_bytes(folder / "m-2.safetensors", "x");
  write_bytes(folder / "unrelated.safetensors", "x");
  write_bytes(folder / "m.safetensors.index.json",
              R"({"metadata":{},"weight_map":{"b":"m-2.safetensors","a":"m-1.safetensors",)"
              R"("c":"m-2.safetensors"}})");
  EXPECT_EQ(safetensors_files(folder.path()),
            (std::vector<fs::path>{folder / "m-1.safetensors", folder / "m-2.safetensors"}));
}

TEST(SafetensorsFilesTest, PathsOutsideTheFolderAreRefused) {
  for (const char* name : {"../m.safetensors", "/etc/m.safetensors", "a/b.safetensors", "..", ".",
                           "", "m.bin", "a/../m.safetensors", "m\\u0000.safetensors"}) {
    SCOPED_TRACE(name);
    const ScratchFolder folder;
    write_bytes(folder / "m.safetensors.index.json",
                std::string(R"({"weight_map":{"a":")") + name + "\"}}");
    EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kFormat,
                 "is not the name of a .safetensors file in the same folder");
  }
}

TEST(SafetensorsFilesTest, UnsoundIndexIsRefused) {
  for (const char* text : {"", "{", "[]", "{}", R"({"weight_map":[]})", R"({"weight_map":{}})",
                           R"({"weight_map":{"a":1}})"}) {
    SCOPED_TRACE(text);
    const ScratchFolder folder;
    write_bytes(folder / "m.safetensors.index.json", text);
    EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kFormat, "m.safetensors.index.json'");
  }
}

TEST(SafetensorsFilesTest, MissingAndAmbiguousFilesAreNamed) {
  const ScratchFolder folder;
  EXPECT_ERROR(safetensors_files(folder / "none"), ErrorCode::kIo, "no folder or file");
  EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kIo, "has no .safetensors file");
  write_bytes(folder / "a.safetensors", "x");
  write_bytes(folder / "b.safetensors", "x");
  EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kFormat,
               "has 2 .safetensors files and no .safetensors.index.json");
  write_bytes(folder / "diffusion_pytorch_model.safetensors", "x");
  EXPECT_EQ(safetensors_files(folder.path()),
            std::vector<fs::path>{folder / "diffusion_pytorch_model.safetensors"});
  write_bytes(folder / "m.safetensors.index.json", R"({"weight_map":{"a":"c.safetensors"}})");
  EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kIo,
               "names 'c.safetensors', which is missing");
  write_bytes(folder / "n.safetensors.index.json", "{}");
  EXPECT_ERROR(safetensors_files(folder.path()), ErrorCode::kFormat, "wanted one");
}

}  // namespace
}  // namespace mw::io
