#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_fuzz.sh build SOURCE BUILD            configures and builds the fuzz programs
# run_fuzz.sh run SOURCE BUILD NAME SECONDS fuzzes one from its seeds for a while
# Exit status 77: this machine can't (ctest counts it as skipped).
set -euo pipefail
action=$1 source=$2 build=$3

if [ "$action" = build ]; then
  compiler=$(command -v clang++ || command -v clang++-14 || true)
  if [ -z "$compiler" ]; then
    echo "skipped: no clang++ on this machine"
    exit 77
  fi
  empty='#include <cstddef>
extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, size_t) { return 0; }'
  if ! "$compiler" -fsanitize=fuzzer,address,undefined -x c++ - -o /dev/null <<<"$empty"; then
    echo "skipped: $compiler lacks libFuzzer or the sanitizers (Debian: libclang-rt-14-dev)"
    exit 77
  fi
  cmake -S "$source" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DMW_FUZZ=ON \
    -DCMAKE_CXX_COMPILER="$compiler"
  cmake --build "$build"
  exit
fi

name=$4 seconds=$5
program=$build/bin/fuzz_$name
if [ ! -x "$program" ]; then
  echo "skipped: $program was not built"
  exit 77
fi
found=$build/found/$name
mkdir -p "$found"
options=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=4096 -print_final_stats=1
  -artifact_prefix="$build/$name-")
dictionary=$source/tests/fuzz/$name.dict
exec "$program" "${options[@]}" -dict="$dictionary" "$found" "$source/tests/fuzz/corpus/$name"
