// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/machine_memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <sstream>
#include <string>

#include "mw/core/error.h"

namespace mw::engine {
namespace {

namespace fs = std::filesystem;

/// The number after `name` at the start of a line, or nothing. `unit` multiplies it.
std::optional<int64_t> field_of(const fs::path& file, const std::string& name, int64_t unit) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream rest(line.substr(name.size()));
    int64_t value = 0;
    if (rest >> value) return value * unit;
  }
  return std::nullopt;
}

/// A file that is one number; "max" is none.
std::optional<int64_t> number_in(const fs::path& file) {
  std::ifstream in(file);
  int64_t value = 0;
  if (in >> value) return value;
  return std::nullopt;
}

/// What one kind of control group calls its files.
struct GroupFiles {
  const char *limit, *used, *inactive, *active;
};
constexpr GroupFiles kVersion2 = {"memory.max", "memory.current", "inactive_file ", "active_file "};
constexpr GroupFiles kVersion1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                  "total_inactive_file ", "total_active_file "};

/// What the group at `group` below `top`, and those around it, leave.
int64_t left_in_groups(const fs::path& top, fs::path group, const GroupFiles& files) {
  int64_t left = std::numeric_limits<int64_t>::max();
  while (true) {
    const fs::path folder = top / group.relative_path();
    const auto limit = number_in(folder / files.limit), used = number_in(folder / files.used);
    if (limit && used) {
      const int64_t reclaimable = field_of(folder / "memory.stat", files.inactive, 1).value_or(0) +
                                  field_of(folder / "memory.stat", files.active, 1).value_or(0);
      left = std::min(left, std::max<int64_t>(0, *limit - *used + std::min(reclaimable, *used)));
    }
    if (!group.has_relative_path()) return left;
    group = group.parent_path();
  }
}

int64_t left_in_control_groups(const fs::path& root) {
  int64_t left = std::numeric_limits<int64_t>::max();
  std::ifstream in(root / "proc/self/cgroup");
  // Lines are number:controllers:path; version 2 has number 0 and no controllers.
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const fs::path path = line.substr(second + 1);
    if (controllers == ",,") {
      left = std::min(left, left_in_groups(root / "sys/fs/cgroup", path, kVersion2));
    } else if (controllers.find(",memory,") != std::string::npos) {
      left = std::min(left, left_in_groups(root / "sys/fs/cgroup/memory", path, kVersion1));
    }
  }
  return left;
}

}  // namespace

int64_t available_memory(const fs::path& root) {
  constexpr int64_t kKibi = 1024;
  const auto available = field_of(root / "proc/meminfo", "MemAvailable:", kKibi);
  if (!available) {
    throw Error(ErrorCode::kIo,
                "memory: '" + (root / "proc/meminfo").string() + "' has no MemAvailable");
  }
  return std::min(*available, left_in_control_groups(root));
}

ProcessMemory process_memory() {
  constexpr int64_t kKibi = 1024;
  return {field_of("/proc/self/status", "VmHWM:", kKibi).value_or(0),
          field_of("/proc/self/status", "RssAnon:", kKibi).value_or(0)};
}

}  // namespace mw::engine
