// SPDX-License-Identifier: Apache-2.0
// Says what a model, or a file of weights, is made of, and whether it fits on this machine.
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/mw/commands.h"
#include "mw/core/error.h"
#include "mw/engine/model_report.h"

namespace mw::app {
namespace {

struct Options {
  std::string path, base, task;
  bool use_json = false;
};

double gigabytes(int64_t bytes) { return static_cast<double>(bytes) / 1e9; }

int64_t memory_bytes() {
  return static_cast<int64_t>(::sysconf(_SC_PHYS_PAGES)) * ::sysconf(_SC_PAGESIZE);
}

struct Fit {
  const char* dtype;
  double bytes_per_parameter;
  int64_t all = 0;      ///< Every part at once.
  int64_t largest = 0;  ///< The largest part alone, the others freed: --offload model.
};

/// How the weights compare with this machine's memory, for each dtype that they may be loaded in.
std::vector<Fit> fits(const engine::ModelReport& report) {
  std::vector<Fit> rows = {{"fp32", 4}, {"bf16", 2}, {"int8", 1}};
  for (Fit& row : rows) {
    for (const engine::PartReport& part : report.parts) {
      if (part.name == "lora") continue;  // Merged into the transformer.
      const auto bytes =
          static_cast<int64_t>(static_cast<double>(part.num_parameters) * row.bytes_per_parameter);
      row.all += bytes;
      row.largest = std::max(row.largest, bytes);
    }
  }
  return rows;
}

const char* verdict(const Fit& fit, int64_t memory) {
  if (fit.all <= memory) return "all parts fit";
  return fit.largest <= memory ? "one part at a time fits" : "does not fit; one layer at a time";
}

std::string dtypes_text(const engine::PartReport& part) {
  std::string text;
  for (const auto& [name, count] : part.dtypes) text += (text.empty() ? "" : " ") + name;
  return text;
}

nlohmann::ordered_json as_json(const engine::ModelReport& report) {
  nlohmann::ordered_json json;
  if (!report.family.empty()) json["family"] = report.family;
  if (report.layout) {
    const engine::ModelLayout& layout = *report.layout;
    json["task"] = layout.task;
    json["layout"] = name_of(layout.kind);
    json["released_size"] = layout.is_released_size;
    json["root"] = layout.root.string();
    if (!layout.base.empty()) json["base"] = layout.base.string();
    const engine::ModelDefaults& defaults = layout.defaults;
    if (layout.kind != engine::LayoutKind::kEmbedded) {
      json["defaults"] = {{"steps", defaults.steps},   {"guidance", defaults.guidance},
                          {"shift", defaults.shift},   {"sampler", defaults.sampler},
                          {"frames", defaults.frames}, {"fps", defaults.fps},
                          {"width", defaults.width},   {"height", defaults.height}};
    }
  }
  json["parameters"] = report.num_parameters();
  json["bytes"] = report.num_bytes();
  json["parts"] = nlohmann::ordered_json::array();
  for (const engine::PartReport& part : report.parts) {
    json["parts"].push_back({{"name", part.name},
                             {"path", part.path.string()},
                             {"format", part.format},
                             {"files", part.num_files},
                             {"tensors", part.num_tensors},
                             {"parameters", part.num_parameters},
                             {"bytes", part.num_bytes},
                             {"dtypes", part.dtypes}});
  }
  json["missing"] = report.missing;
  const int64_t memory = memory_bytes();
  json["memory_bytes"] = memory;
  for (const Fit& fit : fits(report)) {
    json["fits"][fit.dtype] = {{"bytes", fit.all},
                               {"largest_part_bytes", fit.largest},
                               {"all_parts", fit.all <= memory},
                               {"one_part", fit.largest <= memory}};
  }
  return json;
}

void print(const engine::ModelReport& report) {
  if (report.layout) {
    const engine::ModelLayout& layout = *report.layout;
    std::printf("%s: %s layout, task %s%s\n", layout.family.c_str(), name_of(layout.kind),
                layout.task.c_str(), layout.is_released_size ? "" : ", not the released size");
    std::printf("root: %s\n", layout.root.c_str());
    if (!layout.base.empty()) std::printf("base: %s\n", layout.base.c_str());
  } else if (!report.family.empty()) {
    std::printf("%s\n", report.family.c_str());
  }
  std::printf("%-14s %-12s %6s %8s %16s %10s  %s\n", "part", "format", "files", "tensors",
              "parameters", "GB", "dtypes");
  for (const engine::PartReport& part : report.parts) {
    std::printf("%-14s %-12s %6lld %8lld %16lld %10.3f  %s\n", part.name.c_str(),
                part.format.c_str(), static_cast<long long>(part.num_files),
                static_cast<long long>(part.num_tensors),
                static_cast<long long>(part.num_parameters), gigabytes(part.num_bytes),
                dtypes_text(part).c_str());
  }
  for (const std::string& name : report.missing) {
    std::printf("%-14s missing\n", name.c_str());
  }
  const int64_t memory = memory_bytes();
  std::printf("weights against this machine's %.1f GB of memory (activations come on top):\n",
              gigabytes(memory));
  for (const Fit& fit : fits(report)) {
    std::printf("  %-5s %8.2f GB, largest part %8.2f GB: %s\n", fit.dtype, gigabytes(fit.all),
                gigabytes(fit.largest), verdict(fit, memory));
  }
  if (report.layout && report.layout->kind != engine::LayoutKind::kEmbedded) {
    const engine::ModelDefaults& d = report.layout->defaults;
    std::printf(
        "defaults: %lld steps of %s, guidance %g, shift %g, %lld frames of %lldx%lld at %g "
        "fps\n",
        static_cast<long long>(d.steps), d.sampler.c_str(), d.guidance, d.shift,
        static_cast<long long>(d.frames), static_cast<long long>(d.width),
        static_cast<long long>(d.height), d.fps);
  }
}

}  // namespace

void add_inspect(CLI::App& parent) {
  CLI::App* command = parent.add_subcommand(
      "inspect", "Say what a model or a file of weights is made of, and whether it fits here");
  auto options = std::make_shared<Options>();
  command
      ->add_option("path", options->path,
                   "Model folder or name, or a .safetensors, .pth or .gguf file")
      ->required();
  command->add_option("--base", options->base,
                      "Model that lends its VAE and encoders to a Micro-World folder");
  command->add_option("--task", options->task, "Which model of a folder with several: t2w or i2w");
  command->add_flag("--json", options->use_json, "Print the result as JSON");
  command->footer("Example:\n  mw inspect overworld");
  command->callback([options] {
    const engine::ModelReport report =
        engine::inspect_model(options->path, {.base = options->base, .task = options->task});
    if (options->use_json) {
      std::printf("%s\n", as_json(report).dump(2).c_str());
    } else {
      print(report);
    }
  });
}

}  // namespace mw::app
