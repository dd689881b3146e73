// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/machine_memory.h"

#include <gtest/gtest.h>

#include "tests/support/expect_error.h"
#include "tests/support/scratch_folder.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

/// A machine with 8,000 kB available whose control groups are as each test says.
class MachineMemoryTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root_ / name).parent_path());
    test::write_bytes(root_ / name, text);
  }
  void SetUp() override {
    write("proc/meminfo", "MemTotal: 16000 kB\nMemFree: 1 kB\nMemAvailable:    8000 kB\n");
  }
  test::ScratchFolder root_;
};

constexpr int64_t kAvailable = 8000 * 1024;

TEST_F(MachineMemoryTest, IsWhatTheSystemCallsAvailable) {
  EXPECT_EQ(available_memory(root_.path()), kAvailable);
  write("proc/self/cgroup", "0::/\nnonsense\n");
  EXPECT_EQ(available_memory(root_.path()), kAvailable);
  EXPECT_ERROR(available_memory(root_ / "nowhere"), ErrorCode::kIo, "no MemAvailable");
}

TEST_F(MachineMemoryTest, AControlGroupLeavesLess) {
  write("proc/self/cgroup", "0::/box/job\n");
  write("sys/fs/cgroup/box/job/memory.max", "max\n");
  write("sys/fs/cgroup/box/job/memory.current", "900000\n");
  EXPECT_EQ(available_memory(root_.path()), kAvailable);
  // A limit around it counts too, without the files' pages that can be read again.
  write("sys/fs/cgroup/box/memory.max", "1000000\n");
  write("sys/fs/cgroup/box/memory.current", "900000\n");
  EXPECT_EQ(available_memory(root_.path()), 100'000);
  write("sys/fs/cgroup/box/memory.stat", "anon 5\ninactive_file 200000\nactive_file 50000\n");
  EXPECT_EQ(available_memory(root_.path()), 350'000);
}

TEST_F(MachineMemoryTest, OldControlGroupsToo) {
  write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/job\n0::/\n");
  write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "500000");
  write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "600000");
  EXPECT_EQ(available_memory(root_.path()), 0);
}

TEST_F(MachineMemoryTest, ThisMachineAndProcessHaveSome) {
  EXPECT_GT(available_memory(), 0);
  EXPECT_GT(process_memory().peak, 0);
  EXPECT_GE(process_memory().peak, process_memory().own);
}

}  // namespace
}  // namespace mw::engine
