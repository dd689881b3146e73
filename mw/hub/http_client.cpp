// SPDX-License-Identifier: Apache-2.0
#include "mw/hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/hub/listing.h"

namespace mw::hub {
namespace {

constexpr int kMaxRedirects = 8;
constexpr long kConnectTimeout_s = 20;
constexpr long kStallBytesPerSecond = 256, kStallTimeout_s = 60;  // Slower for so long: cut.

void init_curl_once() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw Error(ErrorCode::kInternal, "libcurl can't be initialised");
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
  return text;
}

int64_t number_at(std::string_view text) {
  int64_t value = -1;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// One part of an address, or empty.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

std::string host_of(const std::string& url) {
  const std::string origin = origin_of(url);
  return origin.empty() ? "an address that is neither http nor https"
                        : origin.substr(origin.find("://") + 3);
}

bool is_permanent_failure(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

}  // namespace

/// What libcurl's callbacks share while one request runs.
struct HttpClient::Transfer {
  CURL* curl;
  BodySink* sink;
  const std::atomic<bool>* stop;
  HttpReply reply{};
  int64_t range_start = -1;
  bool has_begun = false;
  std::exception_ptr error{};

  bool is_stopped() const { return stop != nullptr && stop->load(); }

  void take_header(std::string_view line) {
    if (line.starts_with("HTTP/")) {  // Headers of an answer before (a proxy's) don't count.
      range_start = -1;
      reply.next_page.clear();
      reply.hub_error.clear();
      return;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string name = lower(std::string(line.substr(0, colon)));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (name == "content-range" && value.starts_with("bytes ")) {
      range_start = number_at(value.substr(6));
    } else if (name == "link") {
      reply.next_page = next_link(value);
    } else if (name == "x-error-code") {
      reply.hub_error = value;
    } else if (name == "retry-after") {
      reply.retry_after_s = static_cast<double>(std::clamp<int64_t>(number_at(value), 0, 60));
    }
  }

  bool take_body(std::span<const std::byte> bytes) {
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 && status != 206) return true;  // Text about the refusal.
    try {
      if (!has_begun) {
        has_begun = true;
        // A server without ranges sends the whole file again; so may one that changed its mind.
        sink->begin(status == 206 ? std::max<int64_t>(range_start, 0) : 0);
      }
      sink->write(bytes);
      return true;
    } catch (...) {  // Exceptions can't pass through libcurl's frames.
      error = std::current_exception();
      return false;
    }
  }
};

std::string origin_of(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const std::string scheme = lower(part_of(parsed.get(), CURLUPART_SCHEME));
  if (scheme != "http" && scheme != "https") return {};
  return scheme + "://" + lower(part_of(parsed.get(), CURLUPART_HOST)) + ":" +
         part_of(parsed.get(), CURLUPART_PORT);
}

bool HttpReply::is_transient() const {
  if (!transport_error.empty()) return !is_permanent;
  return status == 408 || status == 425 || status == 429 || status >= 500;
}

HttpClient::HttpClient(const std::string& endpoint, const std::string& token,
                       const std::atomic<bool>* stop)
    : origin_(origin_of(endpoint)), token_(token), stop_(stop) {
  init_curl_once();
  curl_ = std::shared_ptr<void>(curl_easy_init(), [](void* curl) { curl_easy_cleanup(curl); });
  if (!curl_) throw Error(ErrorCode::kInternal, "libcurl can't be initialised");
}

HttpClient::~HttpClient() = default;

HttpReply HttpClient::get(const std::string& url, int64_t offset, BodySink& sink) {
  std::string at = url;
  for (int hop = 0; hop <= kMaxRedirects; ++hop) {
    std::string redirect;
    HttpReply reply = get_once(at, offset, sink, redirect);
    if (redirect.empty()) return reply;
    const std::string from = origin_of(at), to = origin_of(redirect);
    if (to.empty() || (from.starts_with("https:") && to.starts_with("http:"))) {
      reply.transport_error = "it redirects to " + host_of(redirect) + " without encryption";
      reply.is_permanent = true;
      return reply;
    }
    at = redirect;
  }
  HttpReply reply{};
  reply.host = host_of(url);
  reply.transport_error = concat_message("more than ", kMaxRedirects, " redirects");
  reply.is_permanent = true;
  return reply;
}

HttpReply HttpClient::get_once(const std::string& url, int64_t offset, BodySink& sink,
                               std::string& redirect) {
  auto* curl = static_cast<CURL*>(curl_.get());
  curl_easy_reset(curl);  // Keeps connections.
  Transfer transfer{.curl = curl, .sink = &sink, .stop = stop_};
  char message[CURL_ERROR_SIZE] = "";
  const std::string range = std::to_string(offset) + "-";
  const std::string authorization = "Authorization: Bearer " + token_;
  std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(nullptr,
                                                                      &curl_slist_free_all);
  // The token goes where the user meant it to go and to no host that a redirect names.
  if (!token_.empty() && origin_of(url) == origin_) {
    headers.reset(curl_slist_append(nullptr, authorization.c_str()));
  }

  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "microworld");
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, message);
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectTimeout_s);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, kStallBytesPerSecond);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallTimeout_s);
  if (offset > 0) curl_easy_setopt(curl, CURLOPT_RANGE, range.c_str());
  for (const char* name : {"SSL_CERT_FILE", "CURL_CA_BUNDLE"}) {
    const char* file = std::getenv(name);
    if (file != nullptr && *file != '\0') curl_easy_setopt(curl, CURLOPT_CAINFO, file);
  }
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &transfer);
  curl_easy_setopt(
      curl, CURLOPT_HEADERFUNCTION, +[](char* text, size_t, size_t n, void* to) -> size_t {
        static_cast<Transfer*>(to)->take_header({text, n});
        return n;
      });
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(
      curl, CURLOPT_WRITEFUNCTION, +[](char* text, size_t, size_t n, void* to) -> size_t {
        const auto bytes = std::as_bytes(std::span(text, n));
        return static_cast<Transfer*>(to)->take_body(bytes) ? n : CURL_WRITEFUNC_ERROR;
      });
  curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &transfer);
  curl_easy_setopt(
      curl, CURLOPT_XFERINFOFUNCTION,
      +[](void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) -> int {
        return static_cast<Transfer*>(to)->is_stopped() ? 1 : 0;
      });

  const CURLcode result = curl_easy_perform(curl);
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (transfer.is_stopped()) throw Error(ErrorCode::kCancelled, "stopped");
  HttpReply reply = std::move(transfer.reply);
  reply.host = host_of(url);
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply.status);
  if (result != CURLE_OK) {
    reply.transport_error = *message != '\0' ? message : curl_easy_strerror(result);
    reply.is_permanent = is_permanent_failure(result);
  }
  const char* location = nullptr;
  if (reply.status >= 300 && reply.status < 400 &&
      curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &location) == CURLE_OK &&
      location != nullptr) {
    redirect = location;
  }
  // An empty body never reaches the sink, but it is a body.
  if (result == CURLE_OK && !transfer.has_begun && (reply.status == 200 || reply.status == 206)) {
    sink.begin(reply.status == 206 ? std::max<int64_t>(transfer.range_start, 0) : 0);
  }
  return reply;
}

}  // namespace mw::hub
