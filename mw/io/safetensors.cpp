// SPDX-License-Identifier: Apache-2.0
#include "mw/io/safetensors.h"

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "mw/core/error.h"
#include "mw/io/atomic_file.h"
#include "mw/io/safetensors_header.h"

namespace mw::io {
namespace {

using Item = std::pair<const std::string, TensorKind>;

// The reference implementation's order: wide elements first, so that each offset is a multiple of
// its tensor's element size.
constexpr std::array kFileOrder = {DType::kI64,    DType::kF64, DType::kF32, DType::kI32,
                                   DType::kBF16,   DType::kF16, DType::kI16, DType::kF8E4M3,
                                   DType::kF8E5M2, DType::kI8,  DType::kU8,  DType::kBool};

std::vector<const Item*> data_order(const std::map<std::string, TensorKind>& tensors) {
  std::vector<const Item*> order;
  order.reserve(tensors.size());
  for (const DType dtype : kFileOrder) {
    for (const Item& item : tensors) {
      if (item.second.dtype == dtype) order.push_back(&item);
    }
  }
  return order;
}

std::string header_text(const std::vector<const Item*>& order,
                        const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  uint64_t begin = 0;
  for (const Item* item : order) {
    const auto& [name, tensor] = *item;
    const uint64_t end = begin + tensor_bytes(tensor.dtype, tensor.shape);
    header[name] = {
        {"dtype", name_of(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}};
    begin = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

SafetensorsReader::SafetensorsReader(const std::filesystem::path& path) : file_(path) {
  const std::span<const std::byte> bytes = file_.bytes();
  SafetensorsHeader header = parse_safetensors_header(bytes, bytes.size(), path.string());
  for (auto& [name, tensor] : header.tensors) {
    const auto data = bytes.subspan(header.data_start + tensor.begin, tensor.end - tensor.begin);
    tensors_.emplace(name, TensorView{tensor.dtype, std::move(tensor.shape), data});
  }
  metadata_ = std::move(header.metadata);
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorData>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::map<std::string, TensorKind> kinds;
  for (const auto& [name, tensor] : tensors) kinds[name] = {tensor.dtype, tensor.shape};
  write_safetensors(
      path, kinds, [&](const std::string& name) { return tensors.at(name).data; }, metadata);
}

void write_safetensors(const std::filesystem::path& path,
                       const std::map<std::string, TensorKind>& tensors, const TensorSource& source,
                       const std::map<std::string, std::string>& metadata) {
  MW_CHECK(tensors.count("__metadata__") == 0,
           "safetensors: no tensor may be called '__metadata__'");
  const std::vector<const Item*> order = data_order(tensors);
  std::string header;
  try {
    header = header_text(order, metadata);
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorCode::kInvalidArgument,
                "safetensors: a tensor name or metadata text is not UTF-8");
  }
  MW_CHECK(header.size() <= kMaxSafetensorsHeader, "safetensors: header of ", header.size(),
           " bytes, at most ", kMaxSafetensorsHeader);

  AtomicFile file(path);
  std::byte length[8];
  for (size_t i = 0; i < 8; ++i) length[i] = static_cast<std::byte>(header.size() >> (8 * i));
  file.write(std::span<const std::byte>(length));
  file.write(header);
  for (const Item* item : order) {
    const auto& [name, tensor] = *item;
    const std::span<const std::byte> data = source(name);
    const uint64_t wanted = tensor_bytes(tensor.dtype, tensor.shape);
    MW_CHECK(wanted == data.size(), "safetensors: tensor '", name, "': dtype and shape want ",
             wanted, " bytes, got ", data.size());
    file.write(data);
  }
  file.commit();
}

}  // namespace mw::io
