// SPDX-License-Identifier: Apache-2.0
#include "apps/mw/bench_report.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include "apps/mw/commit.h"
#include "mw/core/error.h"

namespace mw::app {
namespace {

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

}  // namespace

double percentile(std::vector<double> values, double share) {
  MW_CHECK(!values.empty(), "percentile: no values");
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(share * static_cast<double>(values.size()));
  return values[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}

void BenchReport::measure(BenchRow row, const std::function<void()>& run) {
  using Clock = std::chrono::steady_clock;
  for (int64_t i = 0; i < effort_.warm_ups; ++i) run();
  std::vector<double> times;
  const Clock::time_point begin = Clock::now();
  for (int64_t i = 0; i < effort_.repetitions; ++i) {
    const Clock::time_point start = Clock::now();
    if (i >= 3 && start - begin > std::chrono::duration<double>(effort_.max_seconds)) break;
    run();
    times.push_back(std::chrono::duration<double, std::milli>(Clock::now() - start).count());
  }
  row.warm_ups = effort_.warm_ups;
  row.repetitions = static_cast<int64_t>(times.size());
  row.median_ms = percentile(times, 0.5);
  row.p95_ms = percentile(times, 0.95);
  rows_.push_back(std::move(row));
}

std::string BenchReport::table() const {
  std::string text;
  char line[256];
  std::snprintf(line, sizeof line, "%s, %d threads, commit %s\n", cpu_name().c_str(),
                at::get_num_threads(), commit());
  text += line;
  std::snprintf(line, sizeof line, "%-6s%-22s%-28s%-6s%10s%10s%5s  %s\n", "part", "what", "shape",
                "dtype", "median ms", "p95 ms", "n", "rate");
  text += line;
  for (const BenchRow& row : rows_) {
    std::snprintf(line, sizeof line, "%-6s%-22s%-28s%-6s%10.3f%10.3f%5lld  %.1f %s/s\n",
                  row.part.c_str(), row.name.c_str(), row.shape.c_str(), row.dtype.c_str(),
                  row.median_ms, row.p95_ms, static_cast<long long>(row.repetitions), row.rate(),
                  row.rate_unit.c_str());
    text += line;
  }
  return text;
}

nlohmann::ordered_json BenchReport::json() const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const BenchRow& row : rows_) {
    rows.push_back({{"part", row.part},
                    {"name", row.name},
                    {"shape", row.shape},
                    {"dtype", row.dtype},
                    {"warm_ups", row.warm_ups},
                    {"repetitions", row.repetitions},
                    {"median_ms", row.median_ms},
                    {"p95_ms", row.p95_ms},
                    {"rate", row.rate()},
                    {"rate_unit", row.rate_unit + "/s"}});
  }
  return {{"commit", commit()},
          {"device", "cpu"},
          {"machine", cpu_name()},
          {"threads", at::get_num_threads()},
          {"rows", rows}};
}

}  // namespace mw::app
