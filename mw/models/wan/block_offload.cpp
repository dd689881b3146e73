// SPDX-License-Identifier: Apache-2.0
#include "mw/models/wan/block_offload.h"

#include <charconv>
#include <map>
#include <string_view>
#include <utility>

namespace mw::wan {
namespace {

/// N of `blocks.N.`, or -1.
int64_t block_of(std::string_view name) {
  constexpr std::string_view kPrefix = "blocks.";
  int64_t index = -1;
  if (name.starts_with(kPrefix)) {
    std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), index);
  }
  return index;
}

}  // namespace

BlockOffload::BlockOffload(const nn::TensorMap& tensors) {
  std::map<int64_t, std::vector<at::Tensor>> by_block;
  for (const auto& [name, tensor] : tensors) {
    if (const int64_t block = block_of(name); block >= 0) by_block[block].push_back(tensor);
  }
  auto blocks = std::make_shared<std::vector<nn::MappedPages>>();
  for (auto& [block, weights] : by_block) {
    // A file may name any number; those that no transformer has are of no use.
    if (block != static_cast<int64_t>(blocks->size())) break;
    blocks->emplace_back(std::move(weights));
  }
  blocks_ = std::move(blocks);
}

int64_t BlockOffload::num_bytes() const {
  int64_t total = 0;
  for (const nn::MappedPages& block : *blocks_) total += block.num_bytes();
  return total;
}

LayerProbe BlockOffload::probe() const {
  return [blocks = blocks_](int64_t block, const at::Tensor&) {
    if (block >= 0 && block < static_cast<int64_t>(blocks->size())) {
      (*blocks)[static_cast<size_t>(block)].drop();
    }
  };
}

}  // namespace mw::wan
