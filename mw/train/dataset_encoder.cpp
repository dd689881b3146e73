// SPDX-License-Identifier: Apache-2.0
#include "mw/train/dataset_encoder.h"

#include <chrono>
#include <fstream>
#include <iterator>

#include "mw/core/error.h"
#include "mw/data/dataset.h"
#include "mw/io/atomic_file.h"
#include "mw/train/base_objective.h"
#include "mw/train/encoded_clip.h"

namespace mw::train {
namespace {

namespace fs = std::filesystem;

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw Error(ErrorCode::kIo, "encode: can't read '" + file.string() + "'");
  return {std::istreambuf_iterator<char>(in), {}};
}

/// Keeps the autoencoder beside the latents, so that nobody decodes them with another one.
void keep_vae(const fs::path& vae, const fs::path& kept) {
  fs::create_directories(kept);
  for (const char* name : {"diffusion_pytorch_model.safetensors", "config.json"}) {
    if (!fs::exists(kept / name)) {
      io::write_file(kept / name, bytes_of(vae / name));  // Whole at once: shards start together.
    } else if (bytes_of(vae / name) != bytes_of(kept / name)) {
      throw Error(ErrorCode::kConfig, "encode: '" + kept.parent_path().string() +
                                          "' was encoded with another autoencoder than '" +
                                          vae.string() + "'; remove that folder first");
    }
  }
}

}  // namespace

std::vector<EncodingFailure> encode_dataset(
    const DatasetEncoding& encoding,
    const std::function<void(const EncodingProgress&)>& on_progress, std::stop_token stop) {
  MW_CHECK(encoding.num_shards > 0 && encoding.shard >= 0 && encoding.shard < encoding.num_shards,
           "encode: shard ", encoding.shard, " of ", encoding.num_shards, " does not exist");
  const data::Dataset dataset(encoding.dataset);
  const vae::FrameVAE vae =
      vae::FrameVAE::load(encoding.vae, encoding.use_bf16 ? at::kBFloat16 : at::kFloat);
  const prior::CameraPrior prior(encoding.prior);
  keep_vae(encoding.vae, dataset.paths().encoded_folder() / "vae");

  std::vector<std::string> to_do;
  for (size_t i = 0; i < dataset.ids().size(); ++i) {
    const std::string& id = dataset.ids()[i];
    const bool is_ours = static_cast<int64_t>(i) % encoding.num_shards == encoding.shard;
    if (is_ours && !fs::exists(dataset.paths().encoded(id))) to_do.push_back(id);
  }
  std::vector<EncodingFailure> failures;
  EncodingProgress progress;
  progress.clips_to_do = static_cast<int64_t>(to_do.size());
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& id : to_do) {
    if (stop.stop_requested()) break;
    try {
      const EncodedClip encoded = encode_clip(dataset.clip(id), vae, prior);
      encoded.write(dataset.paths().encoded(id));
      progress.frames_done += encoded.num_frames();
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kFormat) throw;
      failures.push_back({id, error.what()});
    }
    ++progress.clips_done;
    progress.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (on_progress) on_progress(progress);
  }
  return failures;
}

prior::CameraPriorConfig measure_prior(const fs::path& dataset,
                                       const prior::CameraPriorConfig& prior) {
  const prior::CameraPriorConfig measured =
      with_measured_variances(prior, EncodedBank::read(dataset, "train"));
  const fs::path folder = data::DatasetPaths{dataset}.encoded_folder() / "camera_prior";
  fs::create_directories(folder);
  measured.write(folder / "config.json");
  return measured;
}

}  // namespace mw::train
