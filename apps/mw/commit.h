// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace mw::app {

/// The commit that this program was built from, "-dirty" when files had changed since, or "unknown"
/// outside a git checkout. Its source is written at every build (cmake/MwCommit.cmake).
const char* commit();

}  // namespace mw::app
