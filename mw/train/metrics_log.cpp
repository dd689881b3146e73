// SPDX-License-Identifier: Apache-2.0
#include "mw/train/metrics_log.h"

#include <nlohmann/json.hpp>

#include "mw/core/error.h"

namespace mw::train {

MetricsLog::MetricsLog(const std::filesystem::path& folder)
    : lines_(folder / "metrics.jsonl", std::ios::app), events_(folder) {
  if (!lines_)
    throw Error(ErrorCode::kIo, "train: can't write '" + (folder / "metrics.jsonl").string() + "'");
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
