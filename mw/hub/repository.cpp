// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/repository.h"

#include <algorithm>
#include <chrono>
#include <set>
#include <thread>

#include "mw/core/error.h"

namespace mw::hub {
namespace {

constexpr size_t kMaxPageBytes = size_t{64} << 20;
constexpr int kMaxPages = 1000;
constexpr double kLongestDelay_s = 30;

/// A page's text.
class TextSink : public BodySink {
 public:
  void begin(int64_t) override { text_.clear(); }
  void write(std::span<const std::byte> bytes) override {
    if (text_.size() + bytes.size() > kMaxPageBytes) {
      throw Error(ErrorCode::kFormat, "pull: the hub's list of files is longer than 64 MB");
    }
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::string& text() { return text_; }

 private:
  std::string text_;
};

const std::string& checked_name(const std::string& name) {
  MW_CHECK(is_repository_name(name), "pull: wanted a model's name or OWNER/NAME on the hub, got ",
           quote_text(name));
  return name;
}

}  // namespace

Retry::Retry(const HubConfig& config, const std::atomic<bool>* stop)
    : first_delay_s_(config.retry_delay_s),
      delay_s_(config.retry_delay_s),
      max_tries_(config.max_tries),
      stop_(stop) {}

bool Retry::again(const HttpReply& reply) {
  if (!reply.is_transient() || tries_ >= max_tries_) return false;
  ++tries_;
  using Clock = std::chrono::steady_clock;
  const auto end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(std::max(delay_s_, reply.retry_after_s)));
  while (Clock::now() < end) {
    if (stop_ != nullptr && stop_->load()) throw Error(ErrorCode::kCancelled, "stopped");
    std::this_thread::sleep_for(
        std::min<Clock::duration>(std::chrono::milliseconds(50), std::max(end - Clock::now(), {})));
  }
  delay_s_ = std::min(2 * delay_s_, kLongestDelay_s);
  return true;
}

void Retry::reset() {
  tries_ = 1;
  delay_s_ = first_delay_s_;
}

Repository::Repository(const HubConfig& config, const std::string& name,
                       const std::string& revision, const std::atomic<bool>* stop)
    : config_(config),
      name_(checked_name(name)),
      revision_(revision),
      stop_(stop),
      client_(config.endpoint, config.token, stop) {
  MW_CHECK(!revision.empty(), "pull: --revision wants a branch, tag or commit");
  if (config.is_offline) {
    throw Error(ErrorCode::kIo, "pull: HF_HUB_OFFLINE is set; unset it to fetch '" + name + "'");
  }
  const std::string url =
      config_.endpoint + "/api/models/" + name_ + "/revision/" + percent_encoded(revision, false);
  commit_ = parse_commit(get_page(url, "").body, "pull: '" + name_ + "'");
}

std::vector<RemoteFile> Repository::files() {
  std::vector<RemoteFile> files;
  std::string url =
      config_.endpoint + "/api/models/" + name_ + "/tree/" + commit_ + "?recursive=true";
  for (int page_index = 0; !url.empty(); ++page_index) {
    if (page_index == kMaxPages) {
      throw Error(ErrorCode::kFormat, "pull: '" + name_ + "': the hub's list of files has no end");
    }
    Page page = get_page(url, "its list of files");
    for (RemoteFile& file : parse_tree(page.body, "pull: '" + name_ + "'")) {
      files.push_back(std::move(file));
    }
    url = page.next;
  }
  const auto by_path = [](const RemoteFile& a, const RemoteFile& b) { return a.path < b.path; };
  std::sort(files.begin(), files.end(), by_path);
  const auto twice =
      std::adjacent_find(files.begin(), files.end(),
                         [](const RemoteFile& a, const RemoteFile& b) { return a.path == b.path; });
  if (twice != files.end()) {
    throw Error(ErrorCode::kFormat,
                "pull: '" + name_ + "': the hub lists " + quote_text(twice->path) + " twice");
  }
  return files;
}

HttpReply Repository::get(const RemoteFile& file, int64_t offset, BodySink& sink) {
  const std::string url = config_.endpoint + "/" + name_ + "/resolve/" + commit_ + "/" +
                          percent_encoded(file.path, true);
  return client_.get(url, offset, sink);
}

Repository::Page Repository::get_page(const std::string& url, const std::string& what) {
  Retry retry(config_, stop_);
  while (true) {
    TextSink sink;
    const HttpReply reply = client_.get(url, 0, sink);
    if (reply.is_success()) return {std::move(sink.text()), reply.next_page};
    if (!retry.again(reply)) throw refusal(reply, what);
  }
}

Error Repository::refusal(const HttpReply& reply, const std::string& what) const {
  const std::string subject = "pull: '" + name_ + "'" + (what.empty() ? "" : ", " + what) + ": ";
  if (!reply.transport_error.empty()) {
    return Error(ErrorCode::kIo,
                 subject + "no answer from " + reply.host + ": " + reply.transport_error);
  }
  const std::string answer = concat_message(reply.host, " answers ", reply.status);
  if (reply.status == 401 || reply.status == 403) {
    const std::string token = config_.token.empty() ? "set HF_TOKEN to a token that may read it"
                                                    : "the token in use may not read it";
    return Error(ErrorCode::kIo,
                 subject + answer +
                     (reply.hub_error == "GatedRepo"
                          ? ": accept the model's terms on its page, and " + token
                          : ": no public model of that name; if it is private, " + token));
  }
  if (reply.status == 404) {
    return Error(ErrorCode::kIo, subject + answer + ": there is no such model, revision '" +
                                     revision_ + "' or file");
  }
  return Error(ErrorCode::kIo,
               subject + answer + (reply.is_transient() ? "; try again later" : ""));
}

}  // namespace mw::hub
