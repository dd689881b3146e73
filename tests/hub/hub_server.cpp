// SPDX-License-Identifier: Apache-2.0
#include "tests/hub/hub_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <fstream>

namespace mw::test {

HubServer::HubServer(const std::filesystem::path& root) : root_(root) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;
  const std::string script = MW_SOURCE_DIR "/tests/hub/hub_server.py";
  const std::string log = (root / "requests.log").string();
  pid_ = ::fork();
  if (pid_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execlp("python3", "python3", script.c_str(), root.c_str(), log.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  std::FILE* answer = ::fdopen(ends[0], "r");
  if (std::fscanf(answer, "%d", &port_) != 1) port_ = 0;
  std::fclose(answer);
}

HubServer::~HubServer() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void HubServer::set_faults(const nlohmann::json& faults) const {
  std::ofstream(root_ / "faults.json") << faults.dump();
}

std::vector<nlohmann::json> HubServer::requests() const {
  std::vector<nlohmann::json> lines;
  std::ifstream in(root_ / "requests.log");
  for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace mw::test
