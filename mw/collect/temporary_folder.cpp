// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/temporary_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "mw/core/error.h"

namespace mw::collect {
namespace {

namespace fs = std::filesystem;

// A folder is made under a name that nobody removes, then locked, then given its real name: so
// whatever has that name and no lock is abandoned.
constexpr const char* kUnlockedName = "mw-collect-new-XXXXXX";
constexpr const char* kLockedPrefix = "mw-collect-run-";

/// A locked descriptor of the folder; -1 when another process has the lock, or it can't be opened.
int try_lock(const fs::path& folder) {
  const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (file >= 0 && flock(file, LOCK_EX | LOCK_NB) != 0) {
    close(file);
    return -1;
  }
  return file;
}

void remove_abandoned(const fs::path& parent) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(parent, ignored)) {
    if (!entry.path().filename().string().starts_with(kLockedPrefix)) {
      continue;
    }
    const int lock = try_lock(entry.path());
    if (lock < 0) {
      continue;
    }
    struct stat status {};
    if (fstat(lock, &status) == 0 && status.st_uid == geteuid()) {
      fs::remove_all(entry.path(), ignored);
    }
    close(lock);
  }
}

}  // namespace

TemporaryFolder::TemporaryFolder(const fs::path& parent) {
  remove_abandoned(parent);
  std::string name = (parent / kUnlockedName).string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorCode::kIo,
                concat_message("collect: can't create '", name, "': ", std::strerror(errno)));
  }
  lock_ = try_lock(name);
  path_ = parent / (kLockedPrefix + name.substr(name.rfind('-') + 1));
  if (lock_ < 0 || rename(name.c_str(), path_.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    rmdir(name.c_str());
    close(lock_);
    throw Error(ErrorCode::kIo,
                concat_message("collect: can't lock '", path_.string(), "': ", reason));
  }
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
  close(lock_);
}

}  // namespace mw::collect
