// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace mw::collect {

/// The file of a program: in a folder of PATH, or in /usr/games, which root's PATH lacks in Debian.
/// Throws Error kIo naming the Debian package that has it.
std::string find_program(const std::string& name, const std::string& package);

}  // namespace mw::collect
