// SPDX-License-Identifier: Apache-2.0
#include "mw/io/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "mw/io/mapped_file.h"
#include "tests/support/disk_limit.h"
#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::io {
namespace {

using test::read_bytes;
using test::ScratchFolder;
using test::write_bytes;

TEST(AtomicFileTest, AppearsOnlyWhenCommitted) {
  const ScratchFolder folder;
  AtomicFile file(folder / "out.bin");
  file.write("ab");
  file.write("c");
  EXPECT_FALSE(std::filesystem::exists(folder / "out.bin"));
  file.commit();
  EXPECT_EQ(read_bytes(folder / "out.bin"), "abc");
  EXPECT_EQ(folder.num_entries(), 1u);
}

TEST(AtomicFileTest, AbandonedWriteLeavesTheOldFileAlone) {
  const ScratchFolder folder;
  write_bytes(folder / "out.bin", "old");
  { AtomicFile(folder / "out.bin").write("new"); }
  EXPECT_EQ(read_bytes(folder / "out.bin"), "old");
  EXPECT_EQ(folder.num_entries(), 1u);
}

TEST(AtomicFileTest, ReplacesAndObeysTheUmask) {
  const ScratchFolder folder;
  write_bytes(folder / "out.bin", "old and longer");
  const mode_t before = ::umask(027);
  write_file(folder / "out.bin", "new");
  ::umask(before);
  EXPECT_EQ(read_bytes(folder / "out.bin"), "new");
  EXPECT_EQ(static_cast<int>(std::filesystem::status(folder / "out.bin").permissions()), 0640);
}

TEST(AtomicFileTest, TakesTheLongestFileName) {
  const ScratchFolder folder;
  const std::string name(255, 'n');
  write_file(folder / name, "x");
  EXPECT_EQ(read_bytes(folder / name), "x");
}

TEST(AtomicFileTest, RefusesWhatIsNoRegularFile) {
  const ScratchFolder folder;
  EXPECT_ERROR(AtomicFile("/dev/null"), ErrorCode::kIo, "'/dev/null': it is a device");
  EXPECT_ERROR(AtomicFile(folder.path()), ErrorCode::kIo, "names a folder");
  EXPECT_ERROR(AtomicFile(folder / "missing/out.bin"), ErrorCode::kIo, "there is no folder");
  EXPECT_ERROR(AtomicFile(""), ErrorCode::kIo, "names a folder");
  EXPECT_ERROR(AtomicFile("/proc/out.bin"), ErrorCode::kIo, "cannot write '/proc/out.bin': ");
}

TEST(AtomicFileTest, UseAfterCommitIsRefused) {
  const ScratchFolder folder;
  AtomicFile file(folder / "out.bin");
  file.commit();
  EXPECT_ERROR(file.write("x"), ErrorCode::kInvalidArgument, "already committed");
  EXPECT_ERROR(file.commit(), ErrorCode::kInvalidArgument, "already committed");
}

TEST(AtomicFileTest, FailedRenameLeavesNothing) {
  const ScratchFolder folder;
  {
    AtomicFile file(folder / "out.bin");
    file.write("x");
    std::filesystem::create_directories(folder / "out.bin");  // Somebody else took the name.
    EXPECT_ERROR(file.commit(), ErrorCode::kIo, "out.bin");
  }
  EXPECT_EQ(folder.num_entries(), 1u);
}

TEST(AtomicFileTest, FullDiskIsNamedAndLeavesNothing) {
  const ScratchFolder folder;
  const test::DiskLimit limit(1000);
  const auto write = [&] { write_file(folder / "out.bin", std::string(2000, 'x')); };
  EXPECT_ERROR(write(), ErrorCode::kIo, "out.bin': File too large");
  EXPECT_EQ(folder.num_entries(), 0u);
}

TEST(MappedFileTest, MapsWholeFilesAndEmptyOnes) {
  const ScratchFolder folder;
  write_bytes(folder / "a", "hello");
  write_bytes(folder / "empty", "");
  MappedFile file(folder / "a");
  const std::byte* start = file.bytes().data();
  const MappedFile moved = std::move(file);
  EXPECT_EQ(moved.bytes().data(), start);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(start), moved.bytes().size()), "hello");
  EXPECT_TRUE(MappedFile(folder / "empty").bytes().empty());
}

TEST(MappedFileTest, WritesInPlaceNeverReachTheFile) {
  const ScratchFolder folder;
  write_bytes(folder / "a", "hello");
  const MappedFile file(folder / "a");
  const_cast<std::byte*>(file.bytes().data())[0] = std::byte{'J'};
  EXPECT_EQ(file.bytes()[0], std::byte{'J'});
  EXPECT_EQ(read_bytes(folder / "a"), "hello");
}

TEST(MappedFileTest, NamesWhatItCannotRead) {
  const ScratchFolder folder;
  EXPECT_ERROR(MappedFile(folder / "none"), ErrorCode::kIo, "No such file");
  EXPECT_ERROR(MappedFile(folder.path()), ErrorCode::kIo, "it is a folder");
  EXPECT_ERROR(MappedFile("/dev/null"), ErrorCode::kIo, "not a regular file");
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_ERROR(MappedFile(folder / "pipe"), ErrorCode::kIo, "not a regular file");
}

}  // namespace
}  // namespace mw::io
