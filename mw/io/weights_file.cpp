// SPDX-License-Identifier: Apache-2.0
#include "mw/io/weights_file.h"

#include <array>
#include <string_view>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/gguf.h"
#include "mw/io/safetensors_header.h"

namespace mw::io {
namespace {

WeightsFormat format_of(std::span<const std::byte> bytes, const std::string& name) {
  const std::string_view start(reinterpret_cast<const char*>(bytes.data()),
                               std::min<size_t>(bytes.size(), 9));
  if (start.starts_with("GGUF")) return WeightsFormat::kGguf;
  if (start.starts_with("PK")) return WeightsFormat::kTorch;
  if (start.starts_with("\x80\x02") && (start.size() < 9 || start[8] != '{')) {
    throw Error(ErrorCode::kFormat,
                "'" + name +
                    "' is a pickle from before torch 1.6, which is not read; load and save it "
                    "again with a newer torch, or as safetensors");
  }
  return WeightsFormat::kSafetensors;
}

}  // namespace

const char* name_of(WeightsFormat format) {
  constexpr std::array kNames = {"safetensors", "pth", "gguf"};
  return kNames[static_cast<size_t>(format)];
}

const char* StoredTensor::type_name() const {
  return std::visit([](auto known) { return name_of(known); }, type);
}

uint64_t StoredTensor::num_elements() const {
  uint64_t product = 1;  // The readers have checked that it fits.
  for (const int64_t extent : shape) product *= static_cast<uint64_t>(extent);
  return product;
}

WeightsFile::WeightsFile(const std::filesystem::path& path)
    : file_(path), format_(format_of(file_.bytes(), path.string())) {
  const std::span<const std::byte> bytes = file_.bytes();
  switch (format_) {
    case WeightsFormat::kSafetensors: {
      SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), path.string());
      for (auto& [name, tensor] : header.tensors) {
        const auto data =
            bytes.subspan(header.data_start + tensor.begin, tensor.end - tensor.begin);
        tensors_.emplace(name, StoredTensor{tensor.dtype, std::move(tensor.shape), data});
      }
      metadata_ = std::move(header.metadata);
      break;
    }
    case WeightsFormat::kTorch: {
      CheckpointTensors checkpoint = parse_torch_checkpoint(bytes, path.string());
      for (auto& [name, view] : checkpoint.tensors) {
        tensors_.emplace(name, StoredTensor{view.dtype, std::move(view.shape), view.data});
      }
      copies_ = std::move(checkpoint.copies);
      break;
    }
    case WeightsFormat::kGguf: {
      GgufFile gguf = parse_gguf(bytes, path.string());
      for (auto& [name, tensor] : gguf.tensors) {
        tensors_.emplace(name, StoredTensor{tensor.type, std::move(tensor.shape), tensor.data});
      }
      metadata_ = std::move(gguf.metadata);
      break;
    }
  }
}

}  // namespace mw::io
