// SPDX-License-Identifier: Apache-2.0
// mw quantize: a transformer's weights in fewer bits, and what that costs.
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/mw/commands.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/nn/quantize.h"
#include "mw/nn/tensor_file.h"

namespace mw::app {
namespace {

namespace fs = std::filesystem;

struct QuantizeOptions {
  std::string in, out, dtype = "int8";
  bool use_json = false;
};

/// The folder of the transformer in what was given: a model's, its `transformer/`, or one file.
fs::path weights_of(const fs::path& given) {
  std::error_code ignored;
  return fs::is_directory(given / "transformer", ignored) ? given / "transformer" : given;
}

void copy_config(const fs::path& from, const fs::path& to) {
  std::error_code ignored;
  const fs::path config =
      (fs::is_directory(from, ignored) ? from : from.parent_path()) / "config.json";
  if (!fs::is_regular_file(config, ignored) || fs::equivalent(config, to, ignored)) return;
  fs::copy_file(config, to, fs::copy_options::overwrite_existing);
}

void run_quantize(const QuantizeOptions& options) {
  const c10::NoGradGuard no_grad;
  if (options.dtype != "int8") {
    throw Error(ErrorCode::kInvalidArgument,
                "quantize: " + options.dtype + " is read, not written; wanted --dtype int8");
  }
  const fs::path in = weights_of(user_path(options.in));
  const fs::path out = user_path(options.out);
  const bool is_file = out.extension() == ".safetensors";
  if (!is_file) fs::create_directories(out);
  const fs::path file = is_file ? out : out / "diffusion_pytorch_model.safetensors";

  nn::QuantizationReport report;
  const nn::TensorMap rounded = nn::quantized_int8(nn::read_tensors(in), &report);
  nn::write_tensors(file, rounded, {{"format", "pt"}, {"quantization", "int8 rows"}});
  copy_config(in, (is_file ? out.parent_path() : out) / "config.json");

  if (options.use_json) {
    const nlohmann::ordered_json json = {{"out", file.string()},
                                         {"matrices", report.num_matrices},
                                         {"bytes_before", report.bytes_before},
                                         {"bytes_after", report.bytes_after},
                                         {"mean_error", report.mean_error},
                                         {"worst_error", report.worst_error},
                                         {"worst", report.worst_name}};
    std::printf("%s\n", json.dump().c_str());
    return;
  }
  std::printf(
      "%s: %lld matrices, %.1f MB from %.1f MB; error of weights (squared, over their power) "
      "%.1e, worst %.1e at %s\n",
      file.c_str(), static_cast<long long>(report.num_matrices),
      static_cast<double>(report.bytes_after) / 1e6, static_cast<double>(report.bytes_before) / 1e6,
      report.mean_error, report.worst_error, report.worst_name.c_str());
}

}  // namespace

void add_quantize(CLI::App& parent) {
  CLI::App* command =
      parent.add_subcommand("quantize", "Write a transformer's weights in fewer bits");
  auto options = std::make_shared<QuantizeOptions>();
  command->add_option("in", options->in, "Model folder, transformer folder or weights file")
      ->required();
  command->add_option("--dtype", options->dtype, "int8: a scale for each output of a matrix")
      ->check(CLI::IsMember({"int8", "q8_0", "q4_k"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "FILE.safetensors, or a folder, made when missing")
      ->required();
  command->add_flag("--json", options->use_json, "Print the result as JSON");
  command->footer("Example:\n  mw quantize wan2.1-t2v-1.3b --out wan-int8");
  command->callback([options] { run_quantize(*options); });
}

}  // namespace mw::app
