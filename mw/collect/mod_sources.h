// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mw::collect {

/// mod/init.lua and clientmod/init.lua, built into the program.
extern const char* const kWorldModSource;
extern const char* const kClientModSource;

}  // namespace mw::collect
