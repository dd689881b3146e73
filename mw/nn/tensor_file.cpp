// SPDX-License-Identifier: Apache-2.0
#include "mw/nn/tensor_file.h"

#include <ATen/ops/from_blob.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "mw/core/error.h"
#include "mw/io/safetensors.h"
#include "mw/io/safetensors_files.h"

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

void read_into(const std::filesystem::path& file, TensorMap& out) {
  const auto reader = std::make_shared<io::SafetensorsReader>(file);
  for (const auto& [name, view] : reader->tensors()) {
    // The map is private (copy on write), so handing out mutable memory is safe.
    void* data = const_cast<std::byte*>(view.data.data());
    at::Tensor tensor = at::from_blob(
        data, view.shape, [reader](void*) {}, at::TensorOptions(to_torch(view.dtype)));
    // Foreign writers need not align data to its element size; vector loads do.
    if (reinterpret_cast<uintptr_t>(data) % io::size_of(view.dtype) != 0) tensor = tensor.clone();
    if (!out.emplace(name, tensor).second) {
      throw Error(ErrorCode::kFormat, "weights: tensor '" + name +
                                          "' stands in two shards, one is '" + file.string() + "'");
    }
  }
}

}  // namespace

TensorMap read_tensors(const std::filesystem::path& file_or_folder) {
  TensorMap tensors;
  if (std::filesystem::is_directory(file_or_folder)) {
    for (const auto& file : io::safetensors_files(file_or_folder)) read_into(file, tensors);
  } else {
    read_into(file_or_folder, tensors);
  }
  return tensors;
}

Metadata read_metadata(const std::filesystem::path& file) {
  return io::SafetensorsReader(file).metadata();
}

void write_tensors(const std::filesystem::path& file, const TensorMap& tensors,
                   const Metadata& metadata) {
  std::vector<at::Tensor> kept;  // Contiguous host copies must live until the file is written.
  std::map<std::string, io::TensorData> parts;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.detach().cpu().contiguous());
    const at::Tensor& host = kept.back();
    parts[name] = {.dtype = to_file(host.scalar_type(), name),
                   .shape = host.sizes().vec(),
                   .data = {static_cast<const std::byte*>(host.const_data_ptr()), host.nbytes()}};
  }
  io::write_safetensors(file, parts, metadata);
}

}  // namespace mw::nn
