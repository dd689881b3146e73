// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "mw/core/error.h"
#include "mw/hub/http_client.h"
#include "mw/hub/hub_config.h"
#include "mw/hub/listing.h"

namespace mw::hub {

/// One repository of a hub at one commit. Owned by one thread.
class Repository {
 public:
  /// Asks which commit `revision` (a branch, tag or commit) is. Throws Error kInvalidArgument when
  /// `name` is no OWNER/NAME, kIo when the hub can't be reached or refuses, kFormat when it answers
  /// nonsense, kCancelled when `stop` turns true. Outages are waited out, a few times.
  Repository(const HubConfig& config, const std::string& name, const std::string& revision,
             const std::atomic<bool>* stop = nullptr);

  const std::string& name() const { return name_; }
  const std::string& commit() const { return commit_; }

  /// Every file, sorted by path. Throws as the constructor does.
  std::vector<RemoteFile> files();

  /// Gets a file's bytes from `offset` on, once; throws Error only for what `sink` throws and
  /// kCancelled. Whether the file is whole is the caller's question.
  HttpReply get(const RemoteFile& file, int64_t offset, BodySink& sink);

  /// What a refused request means, as an error to throw. `what`: the file or list asked for.
  Error refusal(const HttpReply& reply, const std::string& what) const;

 private:
  struct Page {
    std::string body, next;
  };
  Page get_page(const std::string& url, const std::string& what);

  HubConfig config_;
  std::string name_, revision_, commit_;
  const std::atomic<bool>* stop_;
  HttpClient client_;
};

/// Counts failures that follow each other and sleeps between them, longer each time.
class Retry {
 public:
  Retry(const HubConfig& config, const std::atomic<bool>* stop);

  /// Whether to try again; sleeps first. Throws Error kCancelled when stopped meanwhile.
  bool again(const HttpReply& reply);
  /// Something worked: the count begins anew.
  void reset();

 private:
  double first_delay_s_, delay_s_;
  int max_tries_, tries_ = 1;
  const std::atomic<bool>* stop_;
};

}  // namespace mw::hub
