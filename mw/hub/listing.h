// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mw/hub/digest.h"

namespace mw::hub {

/// One file of a repository.
struct RemoteFile {
  std::string path;  ///< Relative, with `/`; safe to join to a folder.
  int64_t size = 0;
  std::string digest{};  ///< Hexadecimal: SHA-256 of large files, git's SHA-1 of small ones.
  Digest::Kind kind = Digest::Kind::kSha256;

  /// A digest that has taken in what comes before the file's own bytes.
  Digest start_digest() const;
};

/// Whether `path` stays below the folder that it is joined to: relative, no empty, `.` or `..`
/// parts, no backslashes or control characters, parts of at most 200 bytes.
bool is_safe_path(std::string_view path);

/// Whether `name` may be a repository: `OWNER/NAME` of letters, digits, `.`, `_` and `-`.
bool is_repository_name(std::string_view name);

/// The files of one page of a hub's `tree` answer; folders are left out. `source` opens messages.
/// Throws Error kFormat when it is no such answer, or a path, size or digest in it is not sound.
std::vector<RemoteFile> parse_tree(std::string_view json, const std::string& source);

/// The commit in a hub's `revision` answer, 40 hexadecimal digits. Throws Error kFormat.
std::string parse_commit(std::string_view json, const std::string& source);

/// The address after `rel="next"` in a `Link` header, or empty.
std::string next_link(std::string_view header);

/// `text` for a place in an address: everything but letters, digits, `-._~` and, when
/// `keep_slashes`, `/` becomes `%XX`.
std::string percent_encoded(std::string_view text, bool keep_slashes);

}  // namespace mw::hub
