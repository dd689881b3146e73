// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/tensor_file.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "mw/core/error.h"
#include "mw/io/safetensors.h"
#include "mw/io/safetensors_files.h"
#include "mw/io/weights_file.h"

namespace mw::nn {
namespace {

constexpr std::array<std::pair<io::DType, at::ScalarType>, 12> kDTypes = {{
    {io::DType::kF64, at::kDouble},
    {io::DType::kF32, at::kFloat},
    {io::DType::kF16, at::kHalf},
    {io::DType::kBF16, at::kBFloat16},
    {io::DType::kF8E4M3, at::kFloat8_e4m3fn},
    {io::DType::kF8E5M2, at::kFloat8_e5m2},
    {io::DType::kI64, at::kLong},
    {io::DType::kI32, at::kInt},
    {io::DType::kI16, at::kShort},
    {io::DType::kI8, at::kChar},
    {io::DType::kU8, at::kByte},
    {io::DType::kBool, at::kBool},
}};

at::ScalarType to_torch(io::DType dtype) {
  for (const auto& [file_type, torch_type] : kDTypes) {
    if (file_type == dtype) return torch_type;
  }
  throw Error(ErrorCode::kInternal, "safetensors: a dtype without a tensor type");
}

io::DType to_file(at::ScalarType dtype, const std::string& name) {
  for (const auto& [file_type, torch_type] : kDTypes) {
    if (torch_type == dtype) return file_type;
  }
  throw Error(ErrorCode::kInvalidArgument, "safetensors: tensor '" + name + "' has dtype " +
                                               at::toString(dtype) +
                                               ", which the format can't hold");
}

/// Blocks become numbers in pieces, so that no float32 copy of a large tensor is ever whole.
at::Tensor dequantized(const io::StoredTensor& stored, io::BlockType type, at::ScalarType dtype) {
  constexpr int64_t kPieceBlocks = 4096;
  const auto block_elements = static_cast<int64_t>(io::elements_of(type));
  const size_t block_bytes = io::bytes_of(type);
  at::Tensor result = at::empty(stored.shape, at::TensorOptions(dtype));
  const at::Tensor flat = result.view({-1});
  const int64_t num_blocks = flat.numel() / block_elements;
  const at::Tensor piece = at::empty({std::min(num_blocks, kPieceBlocks) * block_elements},
                                     at::TensorOptions(at::kFloat));
  for (int64_t begin = 0; begin < num_blocks; begin += kPieceBlocks) {
    const int64_t count = std::min(kPieceBlocks, num_blocks - begin);
    const auto elements = static_cast<size_t>(count * block_elements);
    io::dequantize(type,
                   stored.data.subspan(static_cast<size_t>(begin) * block_bytes,
                                       static_cast<size_t>(count) * block_bytes),
                   {piece.mutable_data_ptr<float>(), elements});
    flat.narrow(0, begin * block_elements, count * block_elements)
        .copy_(piece.narrow(0, 0, count * block_elements));
  }
  return result;
}

at::Tensor tensor_of(const io::StoredTensor& stored, at::ScalarType quantized_as,
                     const std::shared_ptr<const io::WeightsFile>& file) {
  if (const auto* type = std::get_if<io::BlockType>(&stored.type)) {
    return dequantized(stored, *type, quantized_as);
  }
  const auto dtype = std::get<io::DType>(stored.type);
  // The map is private (copy on write), so handing out mutable memory is safe.
  void* data = const_cast<std::byte*>(stored.data.data());
  at::Tensor tensor = at::from_blob(
      data, stored.shape, [file](void*) {}, at::TensorOptions(to_torch(dtype)));
  // Foreign writers need not align data to its element size; vector loads do.
  if (reinterpret_cast<uintptr_t>(data) % io::size_of(dtype) != 0) tensor = tensor.clone();
  return tensor;
}

void read_into(const io::SafetensorsShard& shard, at::ScalarType quantized_as, TensorMap& out) {
  const auto file = std::make_shared<const io::WeightsFile>(shard.file);
  for (const std::string& name : shard.tensors) {
    if (file->tensors().count(name) == 0) {
      throw Error(ErrorCode::kFormat, "weights: the index places tensor " + quote_text(name) +
                                          " in '" + shard.file.string() + "', which lacks it");
    }
  }
  for (const auto& [name, stored] : file->tensors()) {
    if (!out.emplace(name, tensor_of(stored, quantized_as, file)).second) {
      throw Error(ErrorCode::kFormat, "weights: tensor " + quote_text(name) +
                                          " stands in two shards, one is '" + shard.file.string() +
                                          "'");
    }
  }
}

}  // namespace

TensorMap read_tensors(const std::filesystem::path& file_or_folder, at::ScalarType quantized_as) {
  TensorMap tensors;
  if (std::filesystem::is_directory(file_or_folder)) {
    for (const auto& shard : io::safetensors_shards(file_or_folder)) {
      read_into(shard, quantized_as, tensors);
    }
  } else {
    read_into({file_or_folder, {}}, quantized_as, tensors);
  }
  return tensors;
}

Metadata read_metadata(const std::filesystem::path& file) {
  return io::SafetensorsReader(file).metadata();
}

void write_tensors(const std::filesystem::path& file, const TensorMap& tensors,
                   const Metadata& metadata, std::optional<at::ScalarType> dtype) {
  const auto written_as = [&](const at::Tensor& tensor) {
    return dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type();
  };
  std::map<std::string, io::TensorKind> kinds;
  for (const auto& [name, tensor] : tensors) {
    kinds[name] = {to_file(written_as(tensor), name), tensor.sizes().vec()};
  }
  at::Tensor host;  // Of the tensor that is being written.
  io::write_safetensors(
      file, kinds,
      [&](const std::string& name) {
        const at::Tensor& tensor = tensors.at(name);
        host = tensor.detach().cpu().to(written_as(tensor)).contiguous();
        return std::span(static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes());
      },
      metadata);
}

}  // namespace mw::nn
