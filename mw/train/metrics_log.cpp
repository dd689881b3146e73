// SPDX-License-Identifier: Apache-2.0
#include "mw/train/metrics_log.h"

#include <nlohmann/json.hpp>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

namespace mw::train {

namespace {

/// Keeps the lines up to `step`; a line cut short by a full disk or a kill goes too.
void drop_lines_after(const std::filesystem::path& file, int64_t step) {
  std::ifstream in(file);
  std::string kept, line;
  bool is_changed = false;
  while (std::getline(in, line)) {
    const nlohmann::json entry = nlohmann::json::parse(line, nullptr, false);
    const bool is_kept = entry.is_object() && entry.value("step", step + 1) <= step;
    if (is_kept) kept += line + "\n";
    is_changed = is_changed || !is_kept;
  }
  if (is_changed) io::write_file(file, kept);
}

}  // namespace

MetricsLog::MetricsLog(const std::filesystem::path& folder, int64_t step) : events_(folder, step) {
  const std::filesystem::path file = folder / "metrics.jsonl";
  drop_lines_after(file, step);
  lines_.open(file, std::ios::app);
  if (!lines_) throw Error(ErrorCode::kIo, "train: can't write '" + file.string() + "'");
}

void MetricsLog::write(const char* prefix, int64_t step, double seconds, const Scalars& figures) {
  nlohmann::json line = {{"step", step}, {"seconds", seconds}};
  for (const auto& [name, value] : figures) {
    const std::string tag = std::string(prefix) + "/" + name;
    line[tag] = value;
    events_.add_scalar(tag, value, step);
  }
  lines_ << line.dump() << std::endl;
  events_.flush();
}

}  // namespace mw::train
