// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "mw/hub/hub_config.h"

namespace mw::hub {

/// Which files of which repository go where.
struct PullRequest {
  std::string repository;               ///< OWNER/NAME.
  std::string revision = "main";        ///< Branch, tag or commit.
  std::vector<std::string> includes{};  ///< Patterns with `*`, `?`, `[...]` over paths; none = all.
  std::filesystem::path out{};          ///< Folder; made when missing.
};

/// How far it is. `done_bytes` includes what was there before.
struct PullProgress {
  std::string path;  ///< The file at hand.
  int64_t done_bytes = 0, total_bytes = 0;
  int64_t fetched_bytes = 0;  ///< Over the network, by this call.
  size_t file_index = 0, num_files = 0;
};

struct PullResult {
  std::string commit;
  size_t num_files = 0;
  int64_t total_bytes = 0, fetched_bytes = 0;
};

/// Fetches a repository's files, hidden ones excepted, one after another.
///
/// Each appears under its name when it is whole and its checksum is right; files that are there
/// and right are not fetched again, half ones go on where they stopped, and files that another
/// program keeps in the hub's cache are linked from there. `.pull.json` in the folder says what
/// came from which commit. Outages are waited out. Throws Error: kIo for the hub, the network and
/// the disk (whose room is checked first), kFormat for a wrong checksum, kInvalidArgument when
/// nothing is included, kCancelled when `stop` turns true. Running it again goes on.
PullResult pull(const HubConfig& config, const PullRequest& request,
                const std::function<void(const PullProgress&)>& on_progress = {},
                const std::atomic<bool>* stop = nullptr);

}  // namespace mw::hub
