// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace mw::test {

/// A hub on this machine (hub_server.py), with faults: runs as long as this object.
class HubServer {
 public:
  /// root: holds OWNER/NAME/... and gets a log beside them.
  explicit HubServer(const std::filesystem::path& root);
  ~HubServer();
  HubServer(const HubServer&) = delete;
  HubServer& operator=(const HubServer&) = delete;

  /// Whether it runs; it does not where there is no python3.
  bool is_running() const { return port_ > 0; }
  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// What goes wrong from now on; see hub_server.py.
  void set_faults(const nlohmann::json& faults) const;

  /// Every request so far: host, path, range and token.
  std::vector<nlohmann::json> requests() const;

 private:
  std::filesystem::path root_;
  int pid_ = -1, port_ = 0;
};

}  // namespace mw::test
