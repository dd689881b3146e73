// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

namespace mw::eval {

/// A mean with its 95 % interval.
struct Estimate {
  double mean = 0;
  double low = 0, high = 0;
};

/// Mean of independent samples, and the interval that holds 95 % of the means of resampled sets
/// (percentile bootstrap, Efron 1979: 1,000 sets, a fixed seed). Of no samples: zeros.
Estimate bootstrap_mean(std::span<const double> samples);

/// The same for the differences `a[i] - b[i]` of paired samples.
Estimate bootstrap_difference(std::span<const double> a, std::span<const double> b);

}  // namespace mw::eval
