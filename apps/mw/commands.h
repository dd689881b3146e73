// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apps/mw/command.h"

namespace mw::app {

/// Every command of this build, in the order of `mw --help`.
inline std::vector<AddCommand> commands() { return {}; }

}  // namespace mw::app
