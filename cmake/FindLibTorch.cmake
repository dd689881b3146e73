# SPDX-License-Identifier: Apache-2.0
# LibTorch::LibTorch from the PyPI wheel, without the wheel's own TorchConfig.cmake, which demands a
# CUDA toolkit. LIBTORCH_ROOT (variable or environment) points at another build, for example ROCm's:
# the folder that holds include/ and lib/.
if(NOT LIBTORCH_ROOT)
  set(LIBTORCH_ROOT "$ENV{LIBTORCH_ROOT}")
endif()
if(NOT LIBTORCH_ROOT)
  set(LIBTORCH_ROOT "${CMAKE_SOURCE_DIR}/.deps/python/torch")
endif()
find_path(LibTorch_INCLUDE ATen/core/Tensor.h PATHS "${LIBTORCH_ROOT}/include" NO_DEFAULT_PATH)
find_library(LibTorch_CPU torch_cpu PATHS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
find_library(LibTorch_C10 c10 PATHS "${LIBTORCH_ROOT}/lib" NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU LibTorch_C10 LibTorch_INCLUDE
  REASON_FAILURE_MESSAGE "run `make setup`, or set LIBTORCH_ROOT")

add_library(LibTorch::LibTorch INTERFACE IMPORTED)
target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
  "${LibTorch_INCLUDE}" "${LibTorch_INCLUDE}/torch/csrc/api/include")
target_compile_definitions(LibTorch::LibTorch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
# The operator registrations live in static initialisers: the library must stay linked even where
# the linker sees no symbol of it used. Its CUDA companions may be absent.
target_link_libraries(LibTorch::LibTorch INTERFACE
  "-Wl,--no-as-needed,${LibTorch_CPU},${LibTorch_C10},--as-needed" Threads::Threads)
target_link_options(LibTorch::LibTorch INTERFACE -Wl,--allow-shlib-undefined)
# Programs find it beside the checkout, wherever that is moved: build/mw and build/bin/*.
if(LIBTORCH_ROOT STREQUAL "${CMAKE_SOURCE_DIR}/.deps/python/torch")
  list(APPEND CMAKE_BUILD_RPATH "$ORIGIN/../.deps/python/torch/lib" "$ORIGIN/../../.deps/python/torch/lib")
else()
  list(APPEND CMAKE_BUILD_RPATH "${LIBTORCH_ROOT}/lib")
endif()
