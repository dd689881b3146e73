// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>

#include "apps/mw/bench_report.h"

namespace mw::app {

/// What `mw bench PART` times, all on the parts and at the sizes of one embedded world's folder.

/// The operations below the networks.
void bench_ops(const std::filesystem::path& model, BenchReport& report);
/// One pass of the transformer over one new frame, its window of the past cached.
void bench_dit(const std::filesystem::path& model, BenchReport& report);
/// Encoding and decoding one frame.
void bench_vae(const std::filesystem::path& model, BenchReport& report);
/// From an action to the frame that it leads to.
void bench_play(const std::filesystem::path& model, BenchReport& report);
/// One update of a transformer of this size, on latents drawn at random.
void bench_train(const std::filesystem::path& model, BenchReport& report);

}  // namespace mw::app
