// SPDX-License-Identifier: Apache-2.0
#include "mw/engine/recording.h"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "mw/action/json_rows.h"
#include "mw/core/error.h"
#include "mw/io/base64.h"
#include "mw/video/image_file.h"

namespace mw::engine {
namespace {

constexpr std::string_view kOpening = "{\"session\":";

std::string data_url(const video::Image& image) {
  return "data:image/png;base64," + io::to_base64(video::encode_png(image));
}

std::vector<RecordedFrame> recorded_of(const nlohmann::json& start) {
  std::vector<RecordedFrame> frames;
  const auto found = start.find("recorded");
  if (found == start.end()) return frames;
  if (!found->is_array() || found->size() > kMostRecordedFrames || start.at("image").is_null()) {
    throw Error(ErrorCode::kFormat, concat_message("session: line 1: recorded: wanted at most ",
                                                   kMostRecordedFrames, " frames after an image"));
  }
  for (const nlohmann::json& frame : *found) {
    frames.push_back(
        {.action = action::action_from_json(frame, static_cast<int64_t>(frames.size()) + 1),
         .image = decode_data_url(frame.at("image").get<std::string>())});
  }
  return frames;
}

}  // namespace

video::Image decode_data_url(std::string_view url) {
  constexpr std::string_view kMarker = ";base64,";
  const size_t marker = url.substr(0, 64).find(kMarker);
  if (!url.starts_with("data:image/") || marker == std::string_view::npos) {
    throw Error(ErrorCode::kFormat, "picture: wanted data:image/...;base64,...");
  }
  constexpr int64_t kMostPixels = 32'000'000;  // It came from elsewhere and lies in memory.
  return video::decode_image(io::from_base64(url.substr(marker + kMarker.size())), "data URL",
                             kMostPixels);
}

std::string to_json_lines(const Recording& recording) {
  const WorldStart& from = recording.start;
  nlohmann::ordered_json start = {
      {"image", nullptr}, {"caption", from.caption}, {"seed", from.seed}, {"pitch", from.pitch}};
  if (from.image) start["image"] = data_url(*from.image);
  for (const RecordedFrame& frame : from.recorded) {
    start["recorded"].push_back({{"keys", frame.action.keys},
                                 {"mouse", {frame.action.pitch, frame.action.yaw}},
                                 {"image", data_url(frame.image)}});
  }
  const nlohmann::ordered_json head = {
      {"session", 1}, {"model", recording.model}, {"dtype", recording.dtype}, {"start", start}};
  return head.dump() + "\n" + action::to_json_lines(recording.actions);
}

Recording parse_recording(std::string_view text) {
  const size_t end = std::min(text.find('\n'), text.size());
  Recording recording;
  try {
    const nlohmann::json head = nlohmann::json::parse(text.substr(0, end));
    if (head.at("session") != 1) throw Error(ErrorCode::kFormat, "session must be 1");
    const nlohmann::json& start = head.at("start");
    recording.model = head.at("model").get<std::string>();
    recording.dtype = head.at("dtype").get<std::string>();
    recording.start.caption = start.at("caption").get<std::string>();
    recording.start.seed = start.at("seed").get<uint64_t>();
    recording.start.pitch = start.at("pitch").get<double>();
    if (!start.at("image").is_null()) {
      recording.start.image = decode_data_url(start.at("image").get<std::string>());
    }
    recording.start.recorded = recorded_of(start);
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorCode::kFormat, std::string("session: line 1: ") + error.what());
  }
  recording.actions = action::parse_json_lines(text.substr(std::min(end + 1, text.size())));
  return recording;
}

std::optional<Recording> find_recording(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  std::ifstream in(path, std::ios::binary);
  std::string text(kOpening.size(), '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in || text != kOpening) return std::nullopt;
  text.append(std::istreambuf_iterator<char>(in), {});
  try {
    return parse_recording(text);
  } catch (const Error& error) {
    throw Error(error.code(), "'" + path.string() + "': " + error.what());
  }
}

}  // namespace mw::engine
