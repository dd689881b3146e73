// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "mw/io/dtype.h"
#include "mw/io/mapped_file.h"

namespace mw::io {

/// Bytes of one tensor, row-major, little-endian, that someone else owns.
struct TensorView {
  DType dtype;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;
};

/// What `write_safetensors` takes: the same, from the caller's memory.
using TensorData = TensorView;

/// A safetensors file, memory-mapped: opening costs its header, reading a tensor its pages.
/// Const and shareable between threads.
class SafetensorsReader {
 public:
  /// Throws Error kIo when the file can't be read, kFormat when it is not whole and sound; both
  /// name it.
  explicit SafetensorsReader(const std::filesystem::path& path);

  /// Tensors by name. Views live as long as this reader. Data begin at the alignment of their
  /// element type only where the writer saw to it; copy bytes rather than cast their address.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }

  /// The free text pairs under `__metadata__`.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

 private:
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

/// Writes a safetensors file, whole or not at all.
///
/// Equal input gives equal bytes, those of the reference implementation (up to the order of several
/// metadata): widest elements first, then by name, the data from a multiple of 8 on, so that every
/// tensor lies at a multiple of its element size.
/// Throws Error kInvalidArgument when bytes and shape disagree or a name is not UTF-8, kIo when the
/// file can't be written.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata = {});

/// What a tensor will be, before its bytes are there.
struct TensorKind {
  DType dtype;
  std::vector<int64_t> shape;
};

/// Gives the bytes of the tensor of that name, which live until the next call.
using TensorSource = std::function<std::span<const std::byte>(const std::string& name)>;

/// The same file from tensors that are made one at a time, in the order in which they are written:
/// memory for all of them at once is never needed. The same errors.
void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorKind>& tensors, const TensorSource& source,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace mw::io
