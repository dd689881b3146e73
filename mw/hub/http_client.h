// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace mw::hub {

/// Takes the body of a successful answer.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// Called before the first byte, which is byte `first_byte` of the whole. What it throws, and
  /// what `write` throws, ends the transfer and comes out of `HttpClient::get`.
  virtual void begin(int64_t first_byte) = 0;
  virtual void write(std::span<const std::byte> bytes) = 0;
};

/// How a request ended.
struct HttpReply {
  long status = 0;              ///< 0 when nothing was answered.
  std::string transport_error;  ///< Empty when the whole answer arrived.
  bool is_permanent = false;    ///< Whether the transport would fail again, as for a certificate.
  std::string next_page;        ///< Of a `Link` header, or empty.
  std::string hub_error;        ///< The hub's `X-Error-Code`, or empty.
  double retry_after_s = 0;     ///< What the server asks for.
  std::string host;             ///< That answered last, for messages.

  bool is_success() const { return transport_error.empty() && (status == 200 || status == 206); }
  /// Whether asking again later may help.
  bool is_transient() const;
};

/// GET over HTTP and HTTPS by libcurl, one request at a time; connections are kept. Proxies are
/// taken from the usual variables (https_proxy), certificates from the system, or from the file
/// that SSL_CERT_FILE or CURL_CA_BUNDLE names. Owned by one thread.
class HttpClient {
 public:
  /// token: sent to the origin (scheme, host and port) of `endpoint` only, whatever redirects say.
  /// stop: when it turns true, transfers end with Error kCancelled; may be null.
  HttpClient(const std::string& endpoint, const std::string& token,
             const std::atomic<bool>* stop = nullptr);
  ~HttpClient();

  /// Gets `url` from byte `offset` on, through at most 8 redirects, none from https to http.
  /// Answers other than 200 and 206 leave `sink` alone.
  HttpReply get(const std::string& url, int64_t offset, BodySink& sink);

 private:
  struct Transfer;
  HttpReply get_once(const std::string& url, int64_t offset, BodySink& sink, std::string& redirect);

  std::string origin_, token_;
  const std::atomic<bool>* stop_;
  std::shared_ptr<void> curl_;  // A CURL*, kept out of this header.
};

/// `scheme://host:port` of an address, lower case; empty when it is no http or https address.
std::string origin_of(const std::string& url);

}  // namespace mw::hub
