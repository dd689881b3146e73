// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mw {

/// What kind of thing went wrong; callers branch on it, people read the message.
enum class ErrorCode {
  kInvalidArgument,  ///< The caller's value is out of range or of the wrong shape.
  kIo,               ///< The operating system refused: missing file, full disk, no permission.
  kFormat,           ///< Bytes from outside are not what their format says.
  kWeights,          ///< A model tensor is missing, unused, or of another shape.
  kConfig,           ///< A setting is unknown or of the wrong type.
  kDevice,           ///< The accelerator is missing, lost or full.
  kCancelled,        ///< The user or a stop token ended the work.
  kInternal,         ///< A bug of ours.
};

/// The only exception this library throws on purpose. The message is one line: what, where,
/// wanted, found, and where known what to do.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

/// Exit status of the program for `code`: 1 the user's input or files, 2 a bug, 3 the device.
int exit_status(ErrorCode code);

/// `text` from a file or a user in single quotes, fit for one line of a message: control characters
/// become `?`, long text is cut.
std::string quote_text(std::string_view text);

/// The parts streamed one after another. Named so that argument-dependent lookup on tensors' sizes
/// cannot confuse it with a function of libtorch.
template <class... Parts>
std::string concat_message(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

}  // namespace mw

/// Throws Error kInvalidArgument with the streamed parts unless `condition` holds. Always on: it
/// guards what callers promise.
#define MW_CHECK(condition, ...)                                                               \
  do {                                                                                         \
    if (!(condition)) {                                                                        \
      throw ::mw::Error(::mw::ErrorCode::kInvalidArgument, ::mw::concat_message(__VA_ARGS__)); \
    }                                                                                          \
  } while (false)

/// The same for our own bookkeeping, in builds without NDEBUG: Error kInternal.
#ifdef NDEBUG
#define MW_DCHECK(condition, ...) \
  do {                            \
  } while (false)
#else
#define MW_DCHECK(condition, ...)                                                       \
  do {                                                                                  \
    if (!(condition)) {                                                                 \
      throw ::mw::Error(::mw::ErrorCode::kInternal, ::mw::concat_message(__VA_ARGS__)); \
    }                                                                                   \
  } while (false)
#endif
