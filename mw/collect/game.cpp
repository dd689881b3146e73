// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/game.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numbers>
#include <sstream>
#include <thread>

#include "mw/collect/child_process.h"
#include "mw/collect/find_program.h"
#include "mw/collect/preload/protocol.h"
#include "mw/collect/temporary_folder.h"
#include "mw/core/error.h"
#include "mw/core/log.h"
#include "mw/io/atomic_file.h"

namespace mw::collect {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;
using lockstep::Command;
using lockstep::SharedState;

constexpr double kStartSeconds = 60;   // For the game to show its world.
constexpr double kAnswerSeconds = 25;  // For one frame, or the map's answer.

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorCode::kIo, message); }

/// The preloaded library: beside the program, or one folder up for the tests.
fs::path find_library() {
  std::error_code failure;
  const fs::path folder = fs::read_symlink("/proc/self/exe", failure).parent_path();
  for (const fs::path& candidate :
       {folder / "libmw_lockstep.so", folder.parent_path() / "libmw_lockstep.so"}) {
    if (fs::exists(candidate)) {
      return candidate;
    }
  }
  fail(concat_message("collect: libmw_lockstep.so is not beside ", folder.string(),
                      "/; run `make build`"));
}

/// A descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

/// Both ends of a pipe that children don't inherit unless told.
struct Pipe {
  std::unique_ptr<Descriptor> read_end, write_end;
  Pipe() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
      fail(concat_message("collect: can't create a pipe: ", std::strerror(errno)));
    }
    read_end = std::make_unique<Descriptor>(ends[0]);
    write_end = std::make_unique<Descriptor>(ends[1]);
  }
};

/// The loopback port on which the game's own server will listen: one that is free now.
int free_port() {
  const Descriptor socket_file(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_file.get(), generic, size) != 0 ||
      getsockname(socket_file.get(), generic, &size) != 0) {
    fail(concat_message("collect: no free loopback port: ", std::strerror(errno)));
  }
  return ntohs(address.sin_port);
}

/// Cuts a stream of bytes into lines.
class LineReader {
 public:
  explicit LineReader(int file) : file_(file) {}

  /// Calls `take` with each line that is complete by now; never blocks.
  void drain(const std::function<void(const std::string&)>& take) {
    char bytes[16384];
    for (ssize_t count = read(file_, bytes, sizeof bytes); count > 0;
         count = read(file_, bytes, sizeof bytes)) {
      for (ssize_t i = 0; i < count; ++i) {
        if (bytes[i] == '\n') {
          take(partial_);
          partial_.clear();
        } else {
          partial_ += bytes[i];
        }
      }
    }
  }

 private:
  int file_;
  std::string partial_;
};

/// The memory shared with the preloaded library, backed by a file in `home`.
class SharedMemory {
 public:
  SharedMemory(const fs::path& path, const GameConfig& config) {
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 || ftruncate(file, sizeof(SharedState)) != 0) {
      fail(concat_message(path.string(), ": can't create: ", std::strerror(errno)));
    }
    void* memory = mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
      fail(concat_message(path.string(), ": can't map: ", std::strerror(errno)));
    }
    state_ = static_cast<SharedState*>(memory);
    state_->magic = lockstep::kMagic;
    state_->width = config.width;
    state_->height = config.height;
  }
  ~SharedMemory() { munmap(state_, sizeof(SharedState)); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  SharedState* operator->() const { return state_; }

 private:
  SharedState* state_ = nullptr;
};

/// Parses what follows "MW state"; false when the line is damaged.
bool parse_state(std::istream& line, PlayerState& state) {
  PlayerState parsed;
  int grounded = 0, liquid = 0;
  std::string probes;
  line >> parsed.frame;
  for (double& value : parsed.position) line >> value;
  for (double& value : parsed.velocity) line >> value;
  double yaw = 0, pitch = 0;
  line >> grounded >> liquid >> yaw >> pitch >> probes;
  if (!line || probes.size() != 16) {
    return false;
  }
  parsed.is_grounded = grounded != 0;
  parsed.is_in_liquid = liquid != 0;
  // The game counts yaw counter-clockwise, here from the east, and pitch up, in radians.
  parsed.camera_yaw = std::fmod(810 - yaw * 180 / std::numbers::pi, 360);
  parsed.camera_pitch = -pitch * 180 / std::numbers::pi;
  for (size_t i = 0; i < 8; ++i) {
    parsed.near[i] = static_cast<Obstacle>(probes[2 * i] - '0');
    parsed.far[i] = static_cast<Obstacle>(probes[2 * i + 1] - '0');
  }
  state = parsed;
  return true;
}

}  // namespace

struct Game::Session {
  GameConfig config;
  TemporaryFolder home;
  SharedMemory shared;
  Pipe log;  // What the children print; the mods' lines among it.
  LineReader lines;
  std::unique_ptr<ChildProcess> display, game;
  std::string last_complaint;
  PlayerState state;
  std::string biome = "unknown", answer;
  bool has_joined = false;
  int64_t request = 0;

  explicit Session(const GameConfig& game_config)
      : config(game_config),
        home(fs::temp_directory_path()),
        shared(home.path() / "lockstep", game_config),
        lines(log.read_end->get()) {}

  std::string start_display(const std::string& program) {
    Pipe number;
    const std::string screen = concat_message(config.width, "x", config.height, "x24");
    display = std::make_unique<ChildProcess>(
        std::vector<std::string>{program, "-displayfd", std::to_string(number.write_end->get()),
                                 "-screen", "0", screen, "-nolisten", "tcp", "-noreset"},
        std::vector<std::string>{}, log.write_end->get(), number.write_end->get());
    std::string text;
    const auto deadline = Clock::now() + std::chrono::seconds(20);
    while (text.find('\n') == std::string::npos) {
      pollfd waiting{number.read_end->get(), POLLIN, 0};
      char byte = 0;
      if (poll(&waiting, 1, 100) == 1 && read(number.read_end->get(), &byte, 1) == 1) {
        text += byte;
      } else if (!display->is_running() || Clock::now() > deadline) {
        drain();
        fail(concat_message("collect: Xvfb did not start: ", last_complaint));
      }
    }
    return ":" + text.substr(0, text.find('\n'));
  }

  void start_game() {
    const std::string display_program = find_program("Xvfb", "xvfb");
    const std::string program = find_program("minetest", "minetest");
    const fs::path library = find_library();
    write_game_files(config, home.path());
    const std::string display_name = start_display(display_program);
    const std::string folder = home.path().string();
    game = std::make_unique<ChildProcess>(
        std::vector<std::string>{program, "--go", "--world", folder + "/world", "--gameid",
                                 "minetest", "--name", "bot", "--config", folder + "/game.conf",
                                 "--logfile", folder + "/game.log", "--port",
                                 std::to_string(free_port())},
        std::vector<std::string>{"DISPLAY=" + display_name, "HOME=" + folder,
                                 "LD_PRELOAD=" + library.string(),
                                 "MW_LOCKSTEP=" + folder + "/lockstep", "LIBGL_ALWAYS_SOFTWARE=1",
                                 "LP_NUM_THREADS=1", "LC_ALL=C"},
        log.write_end->get());
    wait_until([&] { return has_joined && state.frame > 0 && shared->has_keys.load() != 0; },
               kStartSeconds, "start", "; is the Debian package libgl1-mesa-dri installed?");
  }

  /// Takes in what the game wrote since.
  void drain() {
    lines.drain([this](const std::string& line) { take_line(line); });
  }

  void take_line(const std::string& text) {
    const size_t start = text.find("]: MW ");
    std::istringstream line(start == std::string::npos ? "" : text.substr(start + 6));
    std::string topic;
    line >> topic;
    if (topic.empty()) {
      if (text.find("ERROR") != std::string::npos || last_complaint.empty()) {
        last_complaint = text;
      }
      log::debug("game: ", text);
    } else if (topic == "state") {
      parse_state(line, state);
    } else if (topic == "biome") {
      line >> biome;
    } else if (topic == "joined") {
      has_joined = true;
    } else {
      answer = text.substr(start + 6);
    }
  }

  /// Polls until `is_met`; the game runs freely meanwhile. `hint` ends the message of a failure.
  void wait_until(const std::function<bool()>& is_met, double seconds, const char* what,
                  const char* hint = "") {
    const auto deadline = Clock::now() + std::chrono::duration<double>(seconds);
    drain();
    while (!is_met()) {
      if (!game->is_running()) {
        drain();
        fail(concat_message("collect: the game ended: ", last_complaint, hint));
      }
      if (Clock::now() > deadline) {
        fail(concat_message("collect: the game does not ", what, " (", last_complaint, ")", hint));
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      drain();
    }
  }

  void order(Command command) {
    shared->command = command;
    shared->order_seq.fetch_add(1);
    syscall(SYS_futex, &shared->order_seq, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }

  void await_done() {
    const uint32_t wanted = shared->order_seq.load();
    const auto deadline = Clock::now() + std::chrono::duration<double>(kAnswerSeconds);
    for (uint32_t seen = shared->done_seq.load(); seen != wanted; seen = shared->done_seq.load()) {
      const timespec timeout{0, 200'000'000};
      syscall(SYS_futex, &shared->done_seq, FUTEX_WAIT, seen, &timeout, nullptr, 0);
      if (shared->done_seq.load() == wanted) {
        break;
      }
      drain();  // A full pipe would block the game.
      if (!game->is_running()) {
        fail(concat_message("collect: the game ended: ", last_complaint));
      }
      if (Clock::now() > deadline) {
        fail("collect: the game hangs");
      }
    }
    drain();
  }

  /// Sends a request to the world's mod and waits for its answer, which starts with `topic`.
  std::istringstream ask(const std::string& topic, const std::string& text) {
    ++request;
    answer.clear();
    io::write_file(home.path() / "request", concat_message(request, ' ', text, '\n'));
    const std::string wanted = concat_message(topic, ' ', request);
    order(Command::kRun);
    await_done();
    wait_until([&] { return answer.compare(0, wanted.size(), wanted) == 0; }, kAnswerSeconds,
               "answer");
    return std::istringstream(answer.substr(wanted.size()));
  }
};

Game::Game(const GameConfig& config) : session_(std::make_unique<Session>(config)) {
  MW_CHECK(
      config.width > 0 && config.height > 0 && config.width * config.height <= lockstep::kMaxPixels,
      "collect: the game can't draw ", config.width, "x", config.height);
  session_->start_game();
}

Game::~Game() = default;

void Game::begin_frame(const FrameInput& input, bool with_picture, int num_frames) {
  SharedMemory& shared = session_->shared;
  shared->order_ns = num_frames * std::llround(1e9 / session_->config.fps);
  shared->keys = 0;
  for (size_t i = 0; i < input.keys.size(); ++i) {
    shared->keys |= input.keys[i] != 0 ? 1U << i : 0U;
  }
  shared->mouse_dx = input.mouse_dx;
  shared->mouse_dy = input.mouse_dy;
  session_->order(with_picture ? Command::kFrame : Command::kSkip);
}

PlayerState Game::finish_frame(RawFrame* frame) {
  session_->await_done();
  const SharedMemory& shared = session_->shared;
  if (frame != nullptr) {
    const size_t pixels = static_cast<size_t>(shared->width) * static_cast<size_t>(shared->height);
    frame->color.assign(shared->color, shared->color + pixels * 3);
    frame->depth.assign(shared->depth, shared->depth + pixels);
    std::copy(std::begin(shared->projection), std::end(shared->projection),
              frame->projection.begin());
  }
  return session_->state;
}

void Game::run_free(double seconds) {
  session_->order(Command::kRun);
  session_->await_done();
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  session_->wait_until([&] { return Clock::now() >= end; }, seconds + 1, "run");
}

std::optional<Place> Game::find_place(uint32_t seed, double time_of_day) {
  std::istringstream answer =
      session_->ask("place", concat_message("place ", seed, ' ', time_of_day));
  std::string verdict;
  Place place;
  answer >> verdict >> place.position[0] >> place.position[1] >> place.position[2] >> place.yaw >>
      place.biome;
  return verdict == "ok" && answer ? std::optional(place) : std::nullopt;
}

void Game::go(const std::array<double, 3>& position, double yaw, double pitch) {
  std::ostringstream text;
  text.precision(10);
  text << "go " << position[0] << ' ' << position[1] << ' ' << position[2] << ' ' << yaw << ' '
       << pitch;
  session_->ask("gone", text.str());
}

const std::string& Game::biome() const { return session_->biome; }

}  // namespace mw::collect
