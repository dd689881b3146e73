// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "mw/models/wan/transformer.h"
#include "mw/nn/mapped_pages.h"
#include "mw/nn/tensor_file.h"

namespace mw::wan {

/// Keeps one block's weights of a transformer in memory at a time: sequential offloading.
///
/// On a CPU the weights of a block are mapped pages, which are dropped when the block has been
/// passed; the next pass reads them again from the system's cache or the disk. Weights that are no
/// views of a file (converted, merged with a LoRA, rounded) stay.
class BlockOffload {
 public:
  /// tensors: those that the transformer was built from, under the original's names.
  explicit BlockOffload(const nn::TensorMap& tensors);

  /// Bytes that are dropped and read in every pass.
  int64_t num_bytes() const;

  /// To be passed to `Transformer::forward`; valid after this object is gone.
  LayerProbe probe() const;

 private:
  std::shared_ptr<const std::vector<nn::MappedPages>> blocks_;
};

}  // namespace mw::wan
