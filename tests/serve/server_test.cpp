// SPDX-License-Identifier: Apache-2.0
// A real server on a free loopback port, and real clients.
#include "mw/serve/server.h"

#include "mw/data/dataset.h"
#include "mw/engine/recording.h"
#include "mw/serve/page_files.h"
#include "mw/video/image_file.h"
#include "mw/video/video_reader.h"
#include "tests/serve/loopback.h"
#include "tests/support/expect_error.h"
#include "tests/support/pictures.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/tiny_dataset.h"

namespace mw::serve {
namespace {

using ::testing::HasSubstr;

TEST_F(ServerTest, APressedKeyComesBackWithAFrame) {
  serve();
  const nlohmann::json session = new_session();
  EXPECT_EQ(session.at("width"), 48);
  Client client(connect(), host(), session.at("ws"));
  const FrameMessage first = client.frame();
  EXPECT_TRUE(first.is_jump);
  EXPECT_EQ(video::decode_image(first.jpeg, "frame").width, 48);
  client.press_d(7);
  uint32_t last = first.frame;
  for (int i = 0; i < 200; ++i) {
    const FrameMessage frame = client.frame();
    ASSERT_GT(frame.frame, last);
    last = frame.frame;
    if (frame.seq != 7) continue;
    EXPECT_TRUE(frame.action.is_pressed(action::Key::kD));
    EXPECT_EQ(frame.client_ms, 7.5);
    return;
  }
  FAIL() << "the key never came back";
}

TEST_F(ServerTest, TheWholePageIsServed) {
  serve();
  EXPECT_GT(page_files().size(), 10U);
  for (const PageFile& file : page_files()) {
    const std::string path = file.path == "/index.html" ? "/" : std::string(file.path);
    const auto answer = ask(http::verb::get, path);
    EXPECT_EQ(answer.result_int(), 200U) << file.path;
    EXPECT_EQ(answer.body(), file.content) << file.path;
    EXPECT_EQ(answer[http::field::content_type].to_string(), file.type);
  }
  EXPECT_EQ(ask(http::verb::get, "/assets/nothing.js").result_int(), 404U);
}

TEST_F(ServerTest, SessionsAreApartAndLimited) {
  serve();
  const nlohmann::json one = new_session(1), two = new_session(2);
  Client a(connect(), host(), one.at("ws")), b(connect(), host(), two.at("ws"));
  EXPECT_NE(a.frame().jpeg, b.frame().jpeg);
  a.press_d(1);
  for (int i = 0; i < 20; ++i) {
    a.frame();
    EXPECT_FALSE(b.frame().action.is_pressed(action::Key::kD));
  }
  const auto full = ask(http::verb::post, "/v1/sessions");
  EXPECT_EQ(full.result_int(), 503U);
  EXPECT_THAT(full.body(), HasSubstr("full: 2 sessions"));
  EXPECT_THAT(ask(http::verb::get, "/metrics").body(), HasSubstr("mw_sessions 2\n"));
  const std::string id = one.at("id");
  EXPECT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 204U);
  EXPECT_EQ(a.wait_closed(), "the session is over");
  EXPECT_EQ(ask(http::verb::get, "/v1/sessions/" + id).result_int(), 404U);
  new_session(3);
}

TEST_F(ServerTest, ASlowClientGetsNewerFramesNotMoreOfThem) {
  serve();
  Client client(connect(), host(), new_session().at("ws"));
  client.frame(false);
  const uint32_t second = client.frame(false).frame;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));  // About 30 frames go by.
  client.send(AckMessage{second});
  EXPECT_GT(client.frame().frame, second + 10);
}

TEST_F(ServerTest, ARecordingHoldsTheStartAndEveryAction) {
  serve();
  const nlohmann::json session = new_session(9);
  Client client(connect(), host(), session.at("ws"));
  client.press_d(1);
  while (client.frame().seq != 1) {
  }
  client.send(ControlMessage{ControlMessage::Op::kPause, 0});
  const std::string id = session.at("id");
  const auto text = ask(http::verb::get, "/v1/sessions/" + id + "/recording.jsonl").body();
  const engine::Recording recording = engine::parse_recording(text);
  EXPECT_EQ(recording.start.seed, 9U);
  EXPECT_TRUE(recording.actions.rows().back().is_pressed(action::Key::kD));
  EXPECT_EQ(ask(http::verb::post, "/v1/sessions/" + id + "/undo", R"({"seconds":1})").result_int(),
            202U);
  while (!client.frame().is_jump) {
  }
}

TEST_F(ServerTest, BadMessagesCostTheirOwnConnectionOnly) {
  serve();
  const nlohmann::json one = new_session(1), two = new_session(2);
  Client bad(connect(), host(), one.at("ws")), good(connect(), host(), two.at("ws"));
  bad.socket().write(asio::buffer(std::string("\x7f nonsense")));
  EXPECT_THAT(bad.wait_closed(), HasSubstr("unknown type"));
  Client large(connect(), host(), one.at("ws"));  // The session is still there.
  beast::error_code ignored;                      // The server may hang up before all of it went.
  large.socket().write(asio::buffer(std::string(100'000, 'x')), ignored);
  large.wait_closed();
  const uint32_t number = good.frame().frame;
  EXPECT_GT(good.frame().frame, number);
}

TEST_F(ServerTest, RequestsOutOfBoundsAreRefused) {
  config_.max_body_bytes = 1000;
  serve();
  const auto post = http::verb::post, get = http::verb::get;
  EXPECT_EQ(ask(post, "/v1/sessions", std::string(5000, ' ')).result_int(), 413U);
  EXPECT_EQ(ask(post, "/v1/sessions", "{").result_int(), 400U);
  EXPECT_EQ(ask(post, "/v1/sessions", R"({"start":{"image":"../../etc"}})").result_int(), 400U);
  EXPECT_EQ(
      ask(post, "/v1/sessions", R"({"start":{"image":"data:image/png;base64,AAAA"}})").result_int(),
      400U);
  EXPECT_EQ(
      ask(post, "/v1/sessions", "", {{http::field::origin, "http://evil.example"}}).result_int(),
      403U);
  EXPECT_EQ(ask(get, "/healthz", "", {{http::field::host, "evil.example"}}).result_int(), 403U);
  EXPECT_EQ(ask(get, "/v1/starts/..%2f.png").result_int(), 404U);
  EXPECT_EQ(ask(get, "/healthz").result_int(), 200U);
  EXPECT_THAT(ask(get, "/v1/models").body(), HasSubstr("\"fps\":100"));
  const nlohmann::json session = new_session();
  const std::string id = session.at("id");
  EXPECT_THROW(Client(connect(), host(), "/v1/sessions/" + id + "/stream?token=guess"),
               beast::system_error);
}

TEST_F(ServerTest, SlowRequestsAndIdleSessionsEnd) {
  config_.read_seconds = 0.2;
  config_.idle_seconds = 0.5;
  serve();
  beast::tcp_stream slow = connect();
  asio::write(slow.socket(), asio::buffer(std::string("GET / HT")));
  char byte = 0;
  beast::error_code error;
  slow.socket().read_some(asio::buffer(&byte, 1), error);  // Returns when the server hangs up.
  EXPECT_TRUE(error);
  Client client(connect(), host(), new_session().at("ws"));
  EXPECT_EQ(client.wait_closed(), "the session is over");  // It never acknowledged.
  EXPECT_THAT(ask(http::verb::get, "/healthz").body(), HasSubstr("\"sessions\":0"));
}

TEST_F(ServerTest, OpenAddressesWantAToken) {
  config_.host = "0.0.0.0";
  EXPECT_ERROR(serve(), ErrorCode::kConfig, "token is needed");
  config_.host = "127.0.0.1";
  config_.token = "correct-horse-battery";
  serve();
  EXPECT_EQ(ask(http::verb::get, "/v1/models").result_int(), 401U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models?token=wrong").result_int(), 401U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models?token=correct-horse-battery").result_int(), 200U);
  EXPECT_EQ(ask(http::verb::get, "/v1/models", "",
                {{http::field::authorization, "Bearer correct-horse-battery"}})
                .result_int(),
            200U);
}

/// The frames of an mp4 that came over the network.
std::vector<video::Image> frames_of(const test::ScratchFolder& folder, const std::string& bytes) {
  test::write_bytes(folder / "answer.mp4", bytes);
  return video::read_clip(folder / "answer.mp4");
}

TEST_F(ServerTest, AClipIsRenderedAsAJob) {
  const test::ScratchFolder folder;
  serve();
  const auto asked = ask(http::verb::post, "/v1/generate",
                         R"({"start":{"image":null,"seed":4},"actions":"d*9","overlay":true})");
  ASSERT_EQ(asked.result_int(), 202U) << asked.body();
  const nlohmann::json job = nlohmann::json::parse(asked.body());
  const std::string id = job.at("id");
  EXPECT_EQ(job.at("status_url"), "/v1/generate/" + id);
  const nlohmann::json status = wait_clip(id);
  EXPECT_EQ(status, nlohmann::json::parse(
                        R"({"status":"done","progress":1.0,"frames_done":10,"frames":10})"));
  const auto result = ask(http::verb::get, "/v1/generate/" + id + "/result.mp4");
  ASSERT_EQ(result.result_int(), 200U);
  EXPECT_EQ(result[http::field::content_type], "video/mp4");
  const std::vector<video::Image> frames = frames_of(folder, result.body());
  ASSERT_EQ(frames.size(), 10U);
  EXPECT_EQ(frames[0].width, 480);  // Large enough for the overlay's labels.
  EXPECT_EQ(ask(http::verb::delete_, "/v1/generate/" + id).result_int(), 204U);
  EXPECT_EQ(ask(http::verb::get, "/v1/generate/" + id).result_int(), 404U);
}

TEST_F(ServerTest, WhatASessionShowedComesAsAVideo) {
  const test::ScratchFolder folder;
  serve();
  const nlohmann::json session = new_session(9);
  Client client(connect(), host(), session.at("ws"));
  std::vector<FrameMessage> shown;
  while (shown.size() < 30) shown.push_back(client.frame());
  client.send(ControlMessage{ControlMessage::Op::kPause, 0});
  const std::string path = "/v1/sessions/" + std::string(session.at("id")) + "/recording.mp4";
  const FrameMessage &first = shown[10], &last = shown[20];
  const auto answer = ask(http::verb::get, path + "?from=" + std::to_string(first.frame) +
                                               "&to=" + std::to_string(last.frame));
  ASSERT_EQ(answer.result_int(), 200U) << answer.body();
  const std::vector<video::Image> frames = frames_of(folder, answer.body());
  ASSERT_EQ(frames.size(), last.frame - first.frame + 1);  // Also those that the client missed.
  EXPECT_GT(test::psnr(frames.front(), video::decode_image(first.jpeg, "first")), 28);
  EXPECT_GT(test::psnr(frames.back(), video::decode_image(last.jpeg, "last")), 28);
  EXPECT_EQ(ask(http::verb::get, path + "?from=1000000").result_int(), 404U);
  EXPECT_EQ(ask(http::verb::get, path + "?from=5&to=4").result_int(), 400U);
  EXPECT_EQ(ask(http::verb::get, path + "?from=first").result_int(), 400U);
  EXPECT_GE(frames_of(folder, ask(http::verb::get, path).body()).size(), 30U);
}

TEST_F(ServerTest, PlayBecomesADataSet) {
  const test::ScratchFolder folder;
  config_.record = folder / "set";
  serve();
  const nlohmann::json session = new_session(3);
  const std::string id = session.at("id");
  {
    Client client(connect(), host(), session.at("ws"));
    client.press_d(1);
    while (client.frame().frame < 40) {
    }
  }
  EXPECT_EQ(ask(http::verb::delete_, "/v1/sessions/" + id).result_int(), 204U);
  new_session();  // Never played: no clip.
  stop();
  const data::Dataset dataset(folder / "set");
  ASSERT_EQ(dataset.ids().size(), 1U);
  EXPECT_EQ(dataset.split("train"), dataset.ids());
  EXPECT_GE(dataset.clip(dataset.ids()[0]).num_frames(), 41);
  EXPECT_EQ(dataset.validate(), std::vector<std::string>{});
  config_.record = "/proc/nowhere";
  EXPECT_ERROR(serve(), ErrorCode::kIo, "/proc/nowhere");
}

TEST_F(ServerTest, ASecondStreamTakesOver) {
  serve();
  const nlohmann::json session = new_session();
  Client first(connect(), host(), session.at("ws"));
  first.frame();
  Client second(connect(), host(), session.at("ws"));
  EXPECT_EQ(first.wait_closed(), "another stream plays this session");
  second.press_d(3);
  while (second.frame().seq != 3) {
  }
}

TEST_F(ServerTest, ASessionBranchesAndAClipIsGoneOnFrom) {
  test::ScratchFolder scratch;
  test::write_tiny_dataset(scratch.path());
  config_.clips_to_continue = scratch.path();
  serve();
  const nlohmann::json starts = nlohmann::json::parse(ask(http::verb::get, "/v1/starts").body());
  const nlohmann::json clip = starts.at("starts").at(0);
  EXPECT_EQ(clip.at("kind"), "clip");
  const auto picture = ask(http::verb::get, clip.at("url").get<std::string>());
  EXPECT_EQ(picture[http::field::content_type], "image/png");

  const auto begin = [&](const nlohmann::json& start) {
    return ask(http::verb::post, "/v1/sessions", nlohmann::json{{"start", start}}.dump());
  };
  const auto made = begin({{"clip", clip.at("id")}, {"frame", 3}});
  ASSERT_EQ(made.result_int(), 201U) << made.body();
  const nlohmann::json session = nlohmann::json::parse(made.body());
  const std::string id = session.at("id");
  Client client(connect(), host(), session.at("ws"));
  client.press_d(1);
  while (client.frame().frame < 120) {
  }
  const auto branch = begin({{"session", id}, {"seconds", 0.5}});
  ASSERT_EQ(branch.result_int(), 201U) << branch.body();
  const std::string other = nlohmann::json::parse(branch.body()).at("id");
  Client second(connect(), host(), nlohmann::json::parse(branch.body()).at("ws"));
  EXPECT_TRUE(second.frame().is_jump);
  const engine::Recording recording = engine::parse_recording(
      ask(http::verb::get, "/v1/sessions/" + other + "/recording.jsonl").body());
  EXPECT_EQ(recording.start.recorded.size(), 3U);
  EXPECT_GE(recording.actions.num_frames(), 1);

  EXPECT_THAT(begin({{"session", "nobody"}}).body(), HasSubstr("no such session"));
  EXPECT_THAT(begin({{"session", id}, {"seconds", -1}}).body(), HasSubstr("seconds"));
  EXPECT_THAT(begin({{"clip", "../x"}}).body(), HasSubstr("there is no clip"));
  EXPECT_THAT(begin({{"clip", clip.at("id")}, {"frame", 9999}}).body(),
              HasSubstr("wanted a frame"));
}

}  // namespace
}  // namespace mw::serve
