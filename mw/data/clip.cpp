// SPDX-License-Identifier: Apache-2.0
#include "mw/data/clip.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "mw/core/error.h"
#include "mw/data/decode_frames.h"
#include "mw/io/mapped_file.h"
#include "mw/io/safetensors.h"

namespace mw::data {
namespace {

constexpr const char* kDepthTensor = "inverse_depth";

}  // namespace

Clip::Clip(const DatasetPaths& paths, const DatasetInfo& info, std::string id, std::string caption)
    : paths_(paths), info_(info), id_(std::move(id)), caption_(std::move(caption)) {
  check_clip_id(id_);
  const std::filesystem::path path = paths_.actions(id_);
  const io::MappedFile file(path);
  try {
    rows_ = parse_rows({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
    actions_of(rows_);  // Checks that there are rows and that the first is still.
  } catch (const Error& error) {
    throw Error(error.code(), "'" + path.string() + "': " + error.what());
  }
}

Frames Clip::load_frames() const {
  return decode_frames(paths_.video(id_), info_.width, info_.height, num_frames());
}

std::optional<Depth> Clip::load_depth() const {
  const std::filesystem::path path = paths_.depth(id_);
  if (!std::filesystem::exists(path)) return std::nullopt;
  Depth depth = read_depth(path);
  if (depth.num_frames != num_frames()) {
    throw Error(ErrorCode::kFormat,
                concat_message("'", path.string(), "': ", num_frames(), " rows of actions, ",
                               depth.num_frames, " frames of depth"));
  }
  return depth;
}

void write_depth(const std::filesystem::path& path, const Depth& depth) {
  io::write_safetensors(path, {{kDepthTensor,
                                {io::DType::kU8,
                                 {depth.num_frames, depth.height, depth.width},
                                 std::as_bytes(std::span(depth.inverse))}}});
}

Depth read_depth(const std::filesystem::path& path) {
  const io::SafetensorsReader reader(path);
  const auto found = reader.tensors().find(kDepthTensor);
  if (found == reader.tensors().end() || found->second.dtype != io::DType::kU8 ||
      found->second.shape.size() != 3) {
    throw Error(ErrorCode::kFormat,
                "'" + path.string() + "': wanted a tensor '" + kDepthTensor + "' of U8 [F, h, w]");
  }
  const io::TensorView& view = found->second;
  Depth depth{view.shape[0], view.shape[1], view.shape[2], std::vector<uint8_t>(view.data.size())};
  std::transform(view.data.begin(), view.data.end(), depth.inverse.begin(),
                 [](std::byte value) { return static_cast<uint8_t>(value); });
  return depth;
}

}  // namespace mw::data
