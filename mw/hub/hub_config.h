// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

namespace mw::hub {

/// Where models come from and who asks.
struct HubConfig {
  std::string endpoint = "https://huggingface.co";  ///< Without a slash at the end.
  std::string token;                                ///< Empty: ask as nobody in particular.
  std::filesystem::path cache;  ///< Files that other programs fetched: `models--OWNER--NAME/blobs`.
  bool is_offline = false;      ///< Nothing may be asked.
  double retry_delay_s = 1;     ///< Before the second try; doubles from try to try.
  int max_tries = 6;            ///< Without a byte of progress between them.

  /// From the variables that Hugging Face's own programs read: HF_ENDPOINT; HF_TOKEN, or the file
  /// HF_TOKEN_PATH, by default $HF_HOME/token; HF_HUB_CACHE, by default $HF_HOME/hub;
  /// HF_HUB_OFFLINE. HF_HOME is $XDG_CACHE_HOME/huggingface by default.
  /// Throws Error kConfig when HF_ENDPOINT is no http or https address.
  static HubConfig from_environment();
};

}  // namespace mw::hub
