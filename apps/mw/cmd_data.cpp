// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <memory>
#include <string>

#include "apps/mw/commands.h"
#include "apps/mw/interrupt.h"
#include "apps/mw/progress_line.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/train/dataset_encoder.h"

namespace mw::app {
namespace {

struct EncodeOptions {
  std::string data, vae, prior, shard = "1/1";
  bool use_fp32 = false;
};

/// "2/4" is the second of four shards.
void parse_shard(const std::string& text, train::DatasetEncoding& encoding) {
  int number = 0, count = 0, used = 0;
  const int found = std::sscanf(text.c_str(), "%d/%d%n", &number, &count, &used);
  if (found != 2 || used != static_cast<int>(text.size()) || number < 1 || number > count) {
    throw Error(ErrorCode::kInvalidArgument,
                "encode: --shard wants I/N with 1 <= I <= N, got " + quote_text(text));
  }
  encoding.shard = number - 1;
  encoding.num_shards = count;
}

void encode(const EncodeOptions& options) {
  train::DatasetEncoding encoding;
  encoding.dataset = user_path(options.data);
  encoding.vae = user_path(options.vae);
  encoding.use_bf16 = !options.use_fp32;
  if (!options.prior.empty()) {
    encoding.prior = prior::CameraPriorConfig::read(user_path(options.prior) / "config.json");
  }
  parse_shard(options.shard, encoding);

  std::stop_source stop;
  const std::atomic<bool>& is_interrupted = watch_interrupts();
  ProgressLine line;
  int64_t shown = 0;
  train::EncodingProgress last;
  const auto failures = train::encode_dataset(
      encoding,
      [&](const train::EncodingProgress& progress) {
        if (is_interrupted) stop.request_stop();
        last = progress;
        const bool is_due = line.is_terminal() || progress.clips_done - shown >= 20;
        if (!is_due && progress.clips_done < progress.clips_to_do) return;
        shown = progress.clips_done;
        char text[128];
        const double rate = static_cast<double>(progress.frames_done) / progress.seconds;
        std::snprintf(text, sizeof text, "encoded %lld/%lld clips, %.1f frames/s, %.2f ms a frame",
                      static_cast<long long>(progress.clips_done),
                      static_cast<long long>(progress.clips_to_do), rate, 1000 / rate);
        line.show(text);
      },
      stop.get_token());
  for (const train::EncodingFailure& failure : failures) {
    line.keep("passed over " + failure.id + ": " + failure.reason);
  }
  if (stop.stop_requested())
    throw Error(ErrorCode::kCancelled, "encode: stopped; run it again to go on");

  const prior::CameraPriorConfig measured = train::measure_prior(encoding.dataset, encoding.prior);
  std::printf(
      "encoded %lld clips, %zu passed over\nmean squared difference of latents and hints:\n"
      "  still %.4f  look %.4f  unseen %.4f  walk by parallax",
      static_cast<long long>(last.clips_done) - static_cast<long long>(failures.size()),
      failures.size(), measured.still_variance, measured.look_variance, measured.unseen_variance);
  for (const double variance : measured.walk_variances) std::printf(" %.4f", variance);
  std::printf("\n");
}

}  // namespace

void add_data(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand("data", "Prepare recorded data sets");
  command->require_subcommand(1);
  CLI::App* encode_command = command->add_subcommand(
      "encode", "Latents and camera hints of every clip, and the camera prior's variances");
  auto options = std::make_shared<EncodeOptions>();
  encode_command->add_option("--data", options->data, "Data-set folder")->required();
  encode_command->add_option("--vae", options->vae, "A vae/ folder")->required();
  encode_command->add_option("--prior", options->prior,
                             "A camera_prior/ folder; absent = as recorded by mw collect");
  encode_command->add_option("--shard", options->shard, "I/N: every N-th clip, from the I-th on");
  encode_command->add_flag("--fp32", options->use_fp32, "Compute in float32, not bfloat16");
  encode_command->callback([options] { encode(*options); });
  constexpr const char* kExamples =
      "Examples:\n  mw data encode --data ~/.cache/microworld/data/overworld --vae runs/vae/model\n"
      "  mw data encode --data data/mine --vae runs/vae/model --shard 1/4";
  encode_command->footer(kExamples);
  command->footer(kExamples);
}

}  // namespace mw::app
