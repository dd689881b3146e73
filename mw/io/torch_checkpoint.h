// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mw/io/safetensors.h"

namespace mw::io {

/// Tensors of a checkpoint, and the copies that some of them needed.
struct CheckpointTensors {
  /// Views of the archive, or of `copies` where a tensor was not laid out row by row.
  std::map<std::string, TensorView> tensors;
  std::vector<std::unique_ptr<std::byte[]>> copies;
};

/// Reads what `torch.save` writes since torch 1.6 for a dictionary of tensors: a zip archive with
/// `<top>/data.pkl` and one raw `<top>/data/<key>` for each storage. Nothing in it is executed.
///
/// Where the dictionary holds no tensors itself, the weights are those of its entry
/// `generator_ema`, else `generator`, `state_dict` or `model`, the first that is a dictionary; this
/// may repeat. Numbers, text and None beside tensors are passed over; anything else beside them is
/// refused. archive: the whole file, which must outlive the views. name: what messages call it.
/// Throws Error kFormat: not sound, not such a dictionary, sizes, strides or offsets that leave the
/// storage, compressed entries, TorchScript archives, big-endian data.
CheckpointTensors parse_torch_checkpoint(std::span<const std::byte> archive,
                                         const std::string& name);

}  // namespace mw::io
