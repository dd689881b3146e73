// SPDX-License-Identifier: Apache-2.0
// Bytes as a hub's list of files, its answer about a revision, and a header.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "mw/core/error.h"
#include "mw/hub/listing.h"

namespace {

void require(bool holds) {
  if (!holds) __builtin_trap();
}

template <class Parse>
void parse(const Parse& work) {
  try {
    work();
  } catch (const mw::Error& error) {
    require(error.code() == mw::ErrorCode::kFormat);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  parse([&] {
    for (const mw::hub::RemoteFile& file : mw::hub::parse_tree(text, "input")) {
      const auto path = ("/folder" / std::filesystem::path(file.path)).lexically_normal();
      require(path.string().starts_with("/folder/") && file.size >= 0);
      require(file.digest.find_first_not_of("0123456789abcdef") == std::string::npos);
    }
  });
  parse([&] { require(mw::hub::parse_commit(text, "input").size() == 40); });
  mw::hub::next_link(text);
  return 0;
}
