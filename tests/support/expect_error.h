// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "mw/core/error.h"

/// Expects that `statement` throws mw::Error of `error_code` with a one-line message that contains
/// `part`.
#define EXPECT_ERROR(statement, error_code, part)                              \
  do {                                                                         \
    try {                                                                      \
      statement;                                                               \
      ADD_FAILURE() << "no error, wanted one with '" << (part) << "'";         \
    } catch (const ::mw::Error& expected_error) {                              \
      const std::string expected_text = expected_error.what();                 \
      EXPECT_EQ(expected_error.code(), error_code) << expected_text;           \
      EXPECT_THAT(expected_text, ::testing::HasSubstr(part));                  \
      EXPECT_EQ(expected_text.find('\n'), std::string::npos) << expected_text; \
    }                                                                          \
  } while (false)
