// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace mw::app {

/// One thing that was timed.
struct BenchRow {
  std::string part;   ///< ops, dit, vae, play or train.
  std::string name;   ///< What ran.
  std::string shape;  ///< On tensors of this shape.
  std::string dtype;
  std::string rate_unit;  ///< What `per_run` counts, for example "frames".
  double per_run = 1;     ///< Of those in one run.
  int64_t warm_ups = 0, repetitions = 0;
  double median_ms = 0, p95_ms = 0;  ///< Of one run.

  /// Per second, at the median.
  double rate() const { return 1000 * per_run / median_ms; }
};

/// How long and how often to measure.
struct BenchEffort {
  int64_t warm_ups = 3;
  int64_t repetitions = 30;
  double max_seconds = 6;  ///< Per row; at least three repetitions run whatever they take.
};

/// Rows measured on one machine by one build.
class BenchReport {
 public:
  explicit BenchReport(const BenchEffort& effort) : effort_(effort) {}

  /// Runs `run` as often as the effort says, and keeps `row` with the times filled in.
  void measure(BenchRow row, const std::function<void()>& run);

  const std::vector<BenchRow>& rows() const { return rows_; }
  /// A table for people.
  std::string table() const;
  /// `machine`, `threads`, `commit`, `device` and `rows`.
  nlohmann::ordered_json json() const;

 private:
  BenchEffort effort_;
  std::vector<BenchRow> rows_;
};

/// The value below which `share` of the (unsorted, not empty) values lie: nearest rank.
double percentile(std::vector<double> values, double share);

}  // namespace mw::app
