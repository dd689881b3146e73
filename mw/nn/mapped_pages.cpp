// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/mapped_pages.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

namespace mw::nn {
namespace {

struct Range {
  uintptr_t begin, end;
};

/// Where files are mapped in this process, by `/proc/self/maps`: begin-end rights offset device
/// inode path. Memory without a file has inode 0.
std::vector<Range> file_mappings() {
  std::vector<Range> mappings;
  std::ifstream in("/proc/self/maps");
  for (std::string line; std::getline(in, line);) {
    unsigned long begin = 0, end = 0, inode = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %*s %*s %*s %lu", &begin, &end, &inode) == 3 &&
        inode != 0) {
      mappings.push_back({begin, end});
    }
  }
  return mappings;
}

/// Whether an operation has changed the tensor, or a view of the same memory, in place: the page is
/// then a private copy, which dropping would lose.
bool is_untouched(const at::Tensor& tensor) {
  return !tensor.is_inference() && tensor._version() == 0;
}

}  // namespace

MappedPages::MappedPages(std::vector<at::Tensor> tensors) : tensors_(std::move(tensors)) {
  const std::vector<Range> mappings = file_mappings();
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (const at::Tensor& tensor : tensors_) {
    ranges_.emplace_back();
    if (!tensor.is_cpu() || !tensor.is_contiguous() || tensor.nbytes() == 0) continue;
    const auto begin = reinterpret_cast<uintptr_t>(tensor.const_data_ptr());
    const uintptr_t end = begin + tensor.nbytes();
    const bool is_mapped = std::any_of(mappings.begin(), mappings.end(), [&](const Range& range) {
      return range.begin <= begin && end <= range.end;
    });
    // Inwards: a page that is shared with a neighbour is the neighbour's too.
    const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
    if (is_mapped && first < last) {
      ranges_.back() = {reinterpret_cast<std::byte*>(first), last - first};
    }
  }
}

int64_t MappedPages::num_bytes() const {
  size_t total = 0;
  for (const auto& range : ranges_) total += range.size();
  return static_cast<int64_t>(total);
}

void MappedPages::drop() const {
  for (size_t i = 0; i < ranges_.size(); ++i) {
    if (!ranges_[i].empty() && is_untouched(tensors_[i])) {
      ::madvise(ranges_[i].data(), ranges_[i].size(), MADV_DONTNEED);
    }
  }
}

}  // namespace mw::nn
