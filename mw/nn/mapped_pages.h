// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace mw::nn {

/// The memory of tensors that are views of mapped files, for giving it back between uses.
///
/// Only whole pages of tensors that lie in a file's mapping and that nobody has written to are
/// meant; the memory of others is left alone. Const and shareable between threads.
class MappedPages {
 public:
  MappedPages() = default;
  /// Keeps the tensors, and with them the mapping, alive.
  explicit MappedPages(std::vector<at::Tensor> tensors);

  /// Bytes that `drop` gives back.
  int64_t num_bytes() const;

  /// Tells the system that the pages are not needed for now. The next read brings them back, from
  /// its cache of the file or from the disk; values never change.
  void drop() const;

 private:
  std::vector<at::Tensor> tensors_;
  std::vector<std::span<std::byte>>
      ranges_;  // Of each tensor; empty where there is nothing to drop.
};

}  // namespace mw::nn
