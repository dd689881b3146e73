// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>

#include "mw/hub/http_client.h"
#include "mw/hub/listing.h"

namespace mw::hub {

/// A file that is being fetched, and goes on where an earlier process stopped.
///
/// Bytes lie under a hidden name beside the final one, made from the digest, until they are whole
/// and have that digest. Owned by one thread.
class PartFile : public BodySink {
 public:
  /// Opens what is there of `file` below `folder` and takes its bytes into the digest.
  /// Throws Error kIo, naming the path.
  PartFile(const std::filesystem::path& folder, const RemoteFile& file);
  ~PartFile() override;
  PartFile(const PartFile&) = delete;
  PartFile& operator=(const PartFile&) = delete;

  int64_t size() const { return size_; }

  /// Forgets what is there.
  void restart();

  void begin(int64_t first_byte) override;
  /// Throws Error kIo, for example on a full disk, and kFormat when more bytes arrive than there
  /// should be.
  void write(std::span<const std::byte> bytes) override;

  /// Whether all bytes are there and right; if they are not right, `found_digest` says what they
  /// are, and `restart` must follow.
  bool is_right();
  const std::string& found_digest() const { return found_digest_; }

  /// Makes the bytes durable and gives them their name. Throws Error kIo.
  void commit();

 private:
  std::filesystem::path final_path_, path_;
  RemoteFile file_;
  Digest digest_;
  std::string found_digest_;
  int64_t size_ = 0;
  int fd_ = -1;
};

/// The digest of a file on this disk, as `file.kind` wants it. Throws Error kIo.
std::string digest_of(const std::filesystem::path& path, const RemoteFile& file);

}  // namespace mw::hub
