# SPDX-License-Identifier: Apache-2.0
# How every target is compiled: language, warnings, sanitizers, cache and linker.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()

find_program(MW_CCACHE ccache)
if(MW_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
      CCACHE_NOHASHDIR=1 "CCACHE_SLOPPINESS=pch_defines,time_macros" "${MW_CCACHE}")
endif()
find_program(MW_MOLD mold)
if(MW_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

add_library(mw_compiler INTERFACE)
target_compile_options(mw_compiler INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Werror)
target_include_directories(mw_compiler INTERFACE "${CMAKE_SOURCE_DIR}")
if(MW_SANITIZE)
  add_compile_options(-fsanitize=${MW_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${MW_SANITIZE})
endif()
