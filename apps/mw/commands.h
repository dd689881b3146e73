// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "apps/mw/command.h"

namespace mw::app {

void add_bench(CLI::App& parent);
#ifdef MW_WITH_COLLECT
void add_collect(CLI::App& parent);
#endif
void add_convert(CLI::App& parent);
void add_data(CLI::App& parent);
void add_eval(CLI::App& parent);
void add_forward(CLI::App& parent);
void add_generate(CLI::App& parent);
void add_inspect(CLI::App& parent);
#ifdef MW_WITH_HUB
void add_pull(CLI::App& parent);
#endif
void add_quantize(CLI::App& parent);
#ifdef MW_WITH_SERVE
void add_play(CLI::App& parent);
void add_serve(CLI::App& parent);
#endif
void add_train(CLI::App& parent);

/// Every command of this build, in the order of `mw --help`.
inline std::vector<AddCommand> commands() {
  return {
#ifdef MW_WITH_SERVE
      add_play,  //
#endif
      add_generate,  //
#ifdef MW_WITH_HUB
      add_pull,  //
#endif
#ifdef MW_WITH_COLLECT
      add_collect,  //
#endif
      add_data,      //
      add_train,     //
      add_eval,      //
      add_forward,   //
      add_inspect,   //
      add_convert,   //
      add_quantize,  //
#ifdef MW_WITH_SERVE
      add_serve,  //
#endif
      add_bench,  //
  };
}

}  // namespace mw::app
