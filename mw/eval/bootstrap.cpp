// SPDX-License-Identifier: Apache-2.0
#include "mw/eval/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "mw/core/error.h"

namespace mw::eval {
namespace {

constexpr int kSets = 1000;
constexpr uint32_t kSeed = 1;
constexpr double kTail = 0.025;

double mean_of(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

}  // namespace

Estimate bootstrap_mean(std::span<const double> samples) {
  if (samples.empty()) return {};
  std::mt19937 random(kSeed);
  std::vector<double> means, drawn(samples.size());
  for (int set = 0; set < kSets; ++set) {
    // The engine's own numbers, not a distribution's: those differ between standard libraries.
    for (double& value : drawn) value = samples[random() % samples.size()];
    means.push_back(mean_of(drawn));
  }
  std::ranges::sort(means);
  const auto at = [&](double share) {
    return means[static_cast<size_t>(std::lround(share * (kSets - 1)))];
  };
  return {.mean = mean_of(samples), .low = at(kTail), .high = at(1 - kTail)};
}

Estimate bootstrap_difference(std::span<const double> a, std::span<const double> b) {
  MW_CHECK(a.size() == b.size(), "bootstrap: ", a.size(), " samples are not paired with ",
           b.size());
  std::vector<double> differences(a.size());
  for (size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  return bootstrap_mean(differences);
}

}  // namespace mw::eval
