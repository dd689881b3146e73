// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "mw/io/block_type.h"
#include "mw/io/mapped_file.h"
#include "mw/io/torch_checkpoint.h"

namespace mw::io {

/// Formats of one file of weights.
enum class WeightsFormat { kSafetensors, kTorch, kGguf };

/// "safetensors", "pth" or "gguf".
const char* name_of(WeightsFormat format);

/// One tensor as it lies in a file.
struct StoredTensor {
  std::variant<DType, BlockType> type;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  ///< Row-major; elements need not be aligned.

  const char* type_name() const;  ///< "BF16", "Q4_K", ...
  uint64_t num_elements() const;
};

/// A file of weights in any format that is read, told by its content: safetensors, what torch.save
/// writes, GGUF. Memory-mapped: opening costs its header. Const and shareable between threads.
class WeightsFile {
 public:
  /// Throws Error kIo when the file can't be read, kFormat when it is of no known format or not
  /// sound; both name it.
  explicit WeightsFile(const std::filesystem::path& path);

  WeightsFormat format() const { return format_; }
  /// By name. Views live as long as this object.
  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  uint64_t num_bytes() const { return file_.bytes().size(); }

 private:
  MappedFile file_;
  WeightsFormat format_;
  std::map<std::string, StoredTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  std::vector<std::unique_ptr<std::byte[]>> copies_;  // Of tensors that did not lie row by row.
};

}  // namespace mw::io
