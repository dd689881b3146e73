// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace mw::io {

/// The files in a zip archive that holds them uncompressed, by name, as views of its bytes.
using ZipDirectory = std::map<std::string, std::span<const std::byte>>;

/// Reads the directory of an archive, with 64-bit sizes where it has them.
///
/// archive: the whole file, which must outlive the views. name: what messages call it.
/// Throws Error kFormat when anything is not sound: records that pass the end of the file, entries
/// that are compressed, encrypted, given twice, or share bytes (so that a small file can't claim
/// large contents). Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3 to 4.5.
ZipDirectory parse_zip_directory(std::span<const std::byte> archive, const std::string& name);

}  // namespace mw::io
