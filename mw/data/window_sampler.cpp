// SPDX-License-Identifier: Apache-2.0
#include "mw/data/window_sampler.h"

#include <algorithm>

#include "mw/core/error.h"

namespace mw::data {
namespace {

/// The output function of SplitMix64 (Steele et al., 2014, doi:10.1145/2660193.2660195).
uint64_t mixed(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

uint64_t permuted(uint64_t index, uint64_t size, uint64_t key) {
  MW_CHECK(index < size && size <= uint64_t{1} << 62, "permuted: ", index, " of ", size);
  int half_bits = 1;
  while (uint64_t{1} << (2 * half_bits) < size) ++half_bits;
  const uint64_t mask = (uint64_t{1} << half_bits) - 1;
  constexpr uint64_t kRounds = 6;
  do {
    uint64_t left = index >> half_bits, right = index & mask;
    for (uint64_t round = 0; round < kRounds; ++round) {
      const uint64_t next = left ^ (mixed(mixed(key + round) ^ right) & mask);
      left = right;
      right = next;
    }
    index = left << half_bits | right;
  } while (index >= size);
  return index;
}

WindowSampler::WindowSampler(const std::vector<int64_t>& clip_frames, int64_t window_frames,
                             uint64_t seed)
    : seed_(seed) {
  MW_CHECK(window_frames >= 1, "windows must have at least 1 frame, got ", window_frames);
  int64_t total = 0;
  for (const int64_t num_frames : clip_frames) {
    total += std::max<int64_t>(0, num_frames - window_frames + 1);
    ends_.push_back(total);
  }
  MW_CHECK(total > 0, "no clip of ", clip_frames.size(), " has a window of ", window_frames,
           " frames");
}

Window WindowSampler::at(int64_t k) const {
  MW_CHECK(k >= 0, "window number must not be negative, got ", k);
  const auto size = static_cast<uint64_t>(num_windows());
  const uint64_t epoch = static_cast<uint64_t>(k) / size;
  const auto place = static_cast<int64_t>(
      permuted(static_cast<uint64_t>(k) % size, size, mixed(seed_) ^ mixed(~epoch)));
  const auto clip = std::upper_bound(ends_.begin(), ends_.end(), place);
  const int64_t before = clip == ends_.begin() ? 0 : *(clip - 1);
  return {clip - ends_.begin(), place - before};
}

}  // namespace mw::data
