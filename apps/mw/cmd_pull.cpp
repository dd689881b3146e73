// SPDX-License-Identifier: Apache-2.0
// mw pull: a model's files from a Hugging Face hub.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "apps/mw/commands.h"
#include "apps/mw/interrupt.h"
#include "apps/mw/progress_line.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/hub/known_models.h"
#include "mw/hub/pull.h"

namespace mw::app {
namespace {

using Clock = std::chrono::steady_clock;

struct PullOptions {
  std::string name, out, revision = "main";
  std::vector<std::string> includes;
  bool use_json = false;
};

std::string size_text(int64_t bytes) {
  char text[32];
  const auto count = static_cast<double>(bytes);
  if (bytes >= 1'000'000'000) {
    std::snprintf(text, sizeof text, "%.2f GB", count / 1e9);
  } else if (bytes >= 1'000'000) {
    std::snprintf(text, sizeof text, "%.1f MB", count / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.1f kB", count / 1e3);
  }
  return text;
}

/// A line that tells how far a pull is: rewritten on a terminal, now and then in a log.
class PullLine {
 public:
  void show(const hub::PullProgress& progress) {
    const auto now = Clock::now();
    const double pause_s = line_.is_terminal() ? 0.2 : 30;
    if (std::chrono::duration<double>(now - shown_).count() < pause_s) return;
    shown_ = now;
    const double spent = std::chrono::duration<double>(now - begin_).count();
    const double rate = static_cast<double>(progress.fetched_bytes) / std::max(spent, 1e-3);
    const double left = static_cast<double>(progress.total_bytes - progress.done_bytes);
    line_.show(
        concat_message(progress.file_index + 1, "/", progress.num_files, " ", progress.path, "  ",
                       size_text(progress.done_bytes), " of ", size_text(progress.total_bytes),
                       "  ", size_text(static_cast<int64_t>(rate)), "/s  ",
                       rate > 0 ? duration_text(left / rate) : std::string("--:--"), " to go"));
  }

 private:
  ProgressLine line_;
  Clock::time_point begin_ = Clock::now(), shown_ = begin_;
};

void run_pull(const PullOptions& options) {
  const hub::KnownModel* known = hub::find_known_model(options.name);
  hub::PullRequest request{.repository = known != nullptr ? known->repository : options.name,
                           .revision = options.revision,
                           .includes = options.includes,
                           .out = user_path(options.out)};
  // Where --model finds it by the name it was pulled by.
  const std::string name = known != nullptr ? known->name : options.name;
  if (options.out.empty()) request.out = cache_folder() / "models" / name;

  hub::PullResult result;
  try {
    PullLine line;
    result = hub::pull(
        hub::HubConfig::from_environment(), request,
        [&](const hub::PullProgress& progress) { line.show(progress); }, &watch_interrupts());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCancelled) throw;
    throw Error(ErrorCode::kCancelled,
                "pull: stopped; run the same command again, it goes on from here");
  }
  const std::string next = hub::next_command(known, options.out.empty() ? name : options.out);
  if (options.use_json) {
    const nlohmann::ordered_json json = {{"out", request.out.string()},
                                         {"repository", request.repository},
                                         {"commit", result.commit},
                                         {"files", result.num_files},
                                         {"bytes", result.total_bytes},
                                         {"fetched_bytes", result.fetched_bytes},
                                         {"next", next}};
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf("%s: %zu files, %s (%s fetched), %s at commit %.12s\n", request.out.c_str(),
              result.num_files, size_text(result.total_bytes).c_str(),
              size_text(result.fetched_bytes).c_str(), request.repository.c_str(),
              result.commit.c_str());
  if (known != nullptr && known->base != nullptr) {
    std::printf("it uses the VAE and encoders of its base: mw pull %s\n", known->base);
  }
  std::printf("next: %s\n", next.c_str());
}

}  // namespace

void add_pull(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("pull", "Fetch a model from a Hugging Face hub");
  auto options = std::make_shared<PullOptions>();
  command->add_option("name", options->name, "A name below, or OWNER/NAME on the hub")->required();
  command->add_option("--out", options->out,
                      "Folder; by default models/NAME in the cache, where --model NAME finds it");
  command->add_option("--revision", options->revision, "Branch, tag or commit")
      ->capture_default_str();
  command->add_option("--include", options->includes,
                      "Only files whose path matches, for example \"*.json\"; several add up");
  command->add_flag("--json", options->use_json, "Print the result as JSON");
  std::string names;
  for (const hub::KnownModel& model : hub::known_models()) {
    names += concat_message("  ", model.name, std::string(22 - std::string(model.name).size(), ' '),
                            model.repository, "\n");
  }
  command->footer("Names:\n" + names +
                  "HF_ENDPOINT, HF_TOKEN and HF_HOME mean what they mean to Hugging Face's own "
                  "programs.\nExample:\n  mw pull wan2.1-t2v-1.3b");
  command->callback([options] { run_pull(*options); });
}

}  // namespace mw::app
