// SPDX-License-Identifier: Apache-2.0
// mw collect: record clips of a real game with the actions that led to them.
#include <algorithm>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "apps/mw/commands.h"
#include "apps/mw/interrupt.h"
#include "apps/mw/progress_line.h"
#include "mw/collect/recorder.h"
#include "mw/core/error.h"

namespace mw::app {
namespace {

constexpr const char* kExamples = R"(Examples:
  mw collect --out data/overworld --clips 1600        record, or go on with, a data set
  mw collect --out try --clips 2 --frames 33          two short clips
  mw collect --out set --clips 6000 --shard 2/4       the second of four parts, in one folder or four
  mw collect --out set --clips 200 --twins            pairs: one start, two courses of action)";

/// "AxB" or "A/B" as two numbers. Throws Error kInvalidArgument naming the option.
std::pair<int, int> parse_pair(const std::string& text, char separator, const char* option) {
  int first = 0, second = 0, used = 0;
  const std::string format = std::string("%d") + separator + "%d%n";
  if (std::sscanf(text.c_str(), format.c_str(), &first, &second, &used) != 2 ||
      used != static_cast<int>(text.size())) {
    throw Error(ErrorCode::kInvalidArgument,
                concat_message(option, ": wanted two numbers with '", separator,
                               "' between them, found '", text, "'"));
  }
  return {first, second};
}

struct CollectOptions {
  collect::RecordingConfig config;
  std::string size = "176x96", shard = "1/1", twins;
};

constexpr int64_t kClipsPerLogLine = 8;  // Off a terminal.

/// "412/1600 clips, 21 dropped, 74.1 frames/s, 18:05 left".
class Report {
 public:
  void show(const collect::RecordingProgress& progress) {
    if (first_clips_ < 0) {
      first_clips_ = progress.clips - 1;
    }
    if (!line_.is_terminal() && progress.clips % kClipsPerLogLine != 0) {
      return;
    }
    const int64_t recorded = std::max<int64_t>(1, progress.clips - first_clips_);
    const double left_s = static_cast<double>(progress.wanted - progress.clips) * progress.seconds /
                          static_cast<double>(recorded);
    char rate[32];
    std::snprintf(rate, sizeof rate, "%.1f",
                  static_cast<double>(progress.frames) / progress.seconds);
    line_.show(concat_message(progress.clips, '/', progress.wanted, " clips, ", progress.dropped,
                              " dropped, ", rate, " frames/s, ", duration_text(left_s), " left"));
  }

 private:
  ProgressLine line_;
  int64_t first_clips_ = -1;
};

collect::Twins parse_twins(const CLI::Option& option, const std::string& text) {
  if (option.count() == 0) {
    return collect::Twins::kNone;
  }
  if (text == "val") {
    return collect::Twins::kHeldOut;
  }
  if (text.empty() || text == "all" || text == "true") {
    return collect::Twins::kAll;
  }
  throw Error(ErrorCode::kInvalidArgument,
              concat_message("--twins: wanted all or val, found '", text, "'"));
}

void run(CollectOptions& options, const CLI::Option& twins) {
  collect::RecordingConfig& config = options.config;
  std::tie(config.width, config.height) = parse_pair(options.size, 'x', "--size");
  std::tie(config.shard, config.num_shards) = parse_pair(options.shard, '/', "--shard");
  config.twins = parse_twins(twins, options.twins);
  const std::atomic<bool>& is_interrupted = watch_interrupts();

  collect::RecordingProgress done;
  {
    Report line;
    done = collect::record(
        config, [&line](const collect::RecordingProgress& progress) { line.show(progress); },
        is_interrupted);
  }
  std::printf("%s: %lld of %lld clips, %lld dropped, %.1f frames/s\n", config.folder.c_str(),
              static_cast<long long>(done.clips), static_cast<long long>(done.wanted),
              static_cast<long long>(done.dropped),
              done.seconds > 0 ? static_cast<double>(done.frames) / done.seconds : 0.0);
  if (is_interrupted && done.clips < done.wanted) {
    throw Error(ErrorCode::kCancelled, "collect: interrupted; the same command goes on from here");
  }
}

}  // namespace

void add_collect(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand(
      "collect", "Record clips of a real game with the actions that led to them");
  auto options = std::make_shared<CollectOptions>();
  collect::RecordingConfig& config = options->config;
  command->footer(kExamples);
  command->add_option("--out", config.folder, "Data set folder; clips in it already count")
      ->required();
  command->add_option("--clips", config.num_clips, "Clips wanted in all")->required();
  command->add_option("--frames", config.frames, "Frames per clip")->capture_default_str();
  command->add_option("--size", options->size, "Frame size, WxH")->capture_default_str();
  command->add_option("--fps", config.fps, "Frames per second of game time")->capture_default_str();
  command->add_option("--seed", config.seed, "Equal seeds give the same worlds and places")
      ->capture_default_str();
  command->add_option("--shard", options->shard, "Record part I of N")->capture_default_str();
  CLI::Option* twins =
      command
          ->add_option("--twins", options->twins,
                       "Record the start of every second clip again with other actions; 'val': "
                       "only in the validation world")
          ->expected(0, 1);
  command->callback([options, twins] { run(*options, *twins); });
}

}  // namespace mw::app
