#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# compile_kernels.sh nvcc|hipcc CHECKOUT FOLDER
# Compiles gpu/mw_gpu.cu as the build does on a machine with that compiler, and looks into the result:
# every function of gpu/mw_gpu.h is exported, and there is code for the GPU. Exit status 77, with the
# reason, where the compiler is missing. Nothing is run: this needs no GPU.
set -euo pipefail
compiler=$1 checkout=$2 folder=$3

skip() { echo "skipped: $*"; exit 77; }

find_compiler() {
  local home
  case $compiler in
    nvcc) home=${CUDA_HOME:-/usr/local/cuda} ;;
    hipcc) home=${ROCM_PATH:-/opt/rocm} ;;
  esac
  command -v "$compiler" || { [ -x "$home/bin/$compiler" ] && echo "$home/bin/$compiler"; }
}

program=$(find_compiler) || skip "no $compiler on PATH (docs/$([ "$compiler" = nvcc ] && echo cuda || echo rocm).md says where to get it)"
mkdir -p "$folder"
output=$folder/libmw_gpu-$compiler.so
case $compiler in
  nvcc) flags=(-gencode=arch=compute_90,code=sm_90 -Xcompiler -fPIC -Werror all-warnings) marker=__nv_relfatbin\|.nv_fatbin ;;
  hipcc) flags=(--offload-arch=gfx90a -fPIC -Wall -Wextra -Werror) marker=.hip_fatbin ;;
esac
# The wheels of nvcc keep the runtime elsewhere than a toolkit does: compiling is the test, linking
# with the runtime is not.
"$program" -std=c++17 -O3 -c "${flags[@]}" -I"$checkout" "$checkout/gpu/mw_gpu.cu" -o "$output.o"
objdump -h "$output.o" | grep -Eq "$marker" || { echo "no code for a GPU in $output.o"; exit 1; }
names=$(grep -oE '\bmw_gpu_[a-z_]+\(' "$checkout/gpu/mw_gpu.h" | tr -d '(' | sort -u)
for name in $names; do
  nm -g "$output.o" | grep -Eq " T $name\$" || { echo "$name is not exported"; exit 1; }
done
echo "$("$program" --version 2>/dev/null | grep -Ei 'release|HIP version' | head -1): $(echo "$names" | wc -l) functions, $(stat -c %s "$output.o") bytes"
