// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace mw::serve {

/// One file of the page, kept in the program.
struct PageFile {
  std::string_view path;  ///< As browsers ask for it: "/index.html", "/assets/app.js".
  std::string_view type;  ///< Its media type.
  std::string_view content;
};

/// Every file of the checkout's `web/` when this was built; none without that folder.
std::span<const PageFile> page_files();

}  // namespace mw::serve
