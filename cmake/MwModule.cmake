# SPDX-License-Identifier: Apache-2.0

# mw_add_module(NAME SOURCES a b ... [DEPENDS core ...] [LINK target ...])
# One folder of mw/ as one static library `mw_NAME`; sources by stem, in reading order. DEPENDS
# names modules (lower ones only: see docs/architecture.md), LINK other targets.
function(mw_add_module name)
  cmake_parse_arguments(MODULE "" "" "SOURCES;DEPENDS;LINK" ${ARGN})
  list(TRANSFORM MODULE_SOURCES APPEND .cpp)
  add_library(mw_${name} STATIC ${MODULE_SOURCES})
  list(TRANSFORM MODULE_DEPENDS PREPEND mw_)
  target_link_libraries(mw_${name} PRIVATE mw_compiler PUBLIC ${MODULE_DEPENDS} ${MODULE_LINK})
  target_include_directories(mw_${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  set_property(GLOBAL APPEND PROPERTY MW_MODULES mw_${name})
endfunction()

# mw_add_test(NAME SOURCES a_test ... [DEPENDS module ...] [LABELS unit])
# The tests of one module as one program, registered with ctest case by case. One thread each: ctest
# runs several side by side.
function(mw_add_test name)
  cmake_parse_arguments(TEST "" "TIMEOUT" "SOURCES;DEPENDS;LINK;LABELS" ${ARGN})
  list(TRANSFORM TEST_SOURCES APPEND .cpp)
  add_executable(mw_test_${name} ${TEST_SOURCES})
  list(TRANSFORM TEST_DEPENDS PREPEND mw_)
  target_link_libraries(mw_test_${name} PRIVATE mw_compiler ${TEST_DEPENDS} ${TEST_LINK}
                                                GTest::gmock GTest::gtest_main)
  target_compile_definitions(mw_test_${name} PRIVATE MW_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                                                     MW_BINARY_DIR="${CMAKE_BINARY_DIR}")
  set_target_properties(mw_test_${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
  if(NOT TEST_LABELS)
    set(TEST_LABELS unit)
  endif()
  if(NOT TEST_TIMEOUT)
    set(TEST_TIMEOUT 300)
  endif()
  gtest_discover_tests(mw_test_${name} TEST_PREFIX "${name}." DISCOVERY_MODE PRE_TEST
                       DISCOVERY_TIMEOUT 120
                       PROPERTIES LABELS "${TEST_LABELS}" TIMEOUT ${TEST_TIMEOUT}
                                  ENVIRONMENT OMP_NUM_THREADS=1)
endfunction()
