// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "mw/models/prior/camera_prior.h"

namespace mw::train {

/// What `encode_dataset` does and where.
struct DatasetEncoding {
  std::filesystem::path dataset;
  std::filesystem::path vae;  ///< A vae/ folder.
  prior::CameraPriorConfig prior;
  bool use_bf16 = true;
  int64_t shard = 0;  ///< This process takes clips shard, shard + num_shards, ...
  int64_t num_shards = 1;
};

/// How far it is.
struct EncodingProgress {
  int64_t clips_done = 0, clips_to_do = 0;  ///< Of this call.
  int64_t frames_done = 0;
  double seconds = 0;
};

/// Clips whose encoding failed: id and reason.
struct EncodingFailure {
  std::string id, reason;
};

/// Writes `encoded/ID.safetensors` of every clip that lacks one, and beside them the autoencoder
/// (`encoded/vae`) that made them. A damaged clip is passed over and returned. Ends early, with
/// whole files, when `stop` is requested.
/// Throws Error kConfig when the folder was encoded with another autoencoder; kIo, kFormat when the
/// data set or the autoencoder can't be read.
std::vector<EncodingFailure> encode_dataset(
    const DatasetEncoding& encoding,
    const std::function<void(const EncodingProgress&)>& on_progress, std::stop_token stop = {});

/// Measures the prior's variances over the encoded clips of split `train` and writes
/// `encoded/camera_prior/config.json`. Returns it.
prior::CameraPriorConfig measure_prior(const std::filesystem::path& dataset,
                                       const prior::CameraPriorConfig& prior);

}  // namespace mw::train
