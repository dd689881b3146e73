// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

namespace mw::engine {

/// Bytes of main memory that this process may still take without being killed for it: what the
/// system calls available, or what its control group (v2 or v1) has left, whichever is less. Pages
/// of files that can be read again do not count as taken. `root`: where `/proc` and `/sys` lie.
/// Throws Error kIo when `/proc/meminfo` can't be read.
int64_t available_memory(const std::filesystem::path& root = "/");

/// The most physical memory that this process has held so far, in bytes, and what it holds now of
/// its own, apart from files.
struct ProcessMemory {
  int64_t peak = 0, own = 0;
};
ProcessMemory process_memory();

}  // namespace mw::engine
