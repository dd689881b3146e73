// SPDX-License-Identifier: Apache-2.0
#include "mw/core/error.h"

namespace mw {

int exit_status(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInternal:
      return 2;
    case ErrorCode::kDevice:
      return 3;
    default:
      return 1;
  }
}

}  // namespace mw
