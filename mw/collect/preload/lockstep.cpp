// SPDX-License-Identifier: Apache-2.0
// Preloaded into the game. The main thread, which draws, sees a clock that moves by exactly one
// frame per swap of buffers, and exactly the keys and pointer motion of the recorder's order; every
// other thread (server, map generation, network, the rasteriser's workers) keeps real time. The
// functions below stand before those of libc, libX11, libXi and libGL of the same names.
#include <GL/gl.h>
#include <GL/glx.h>
#include <X11/Xlib.h>
#include <X11/keysym.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <climits>
#include <cstdio>
#include <cstdlib>
#include <deque>

#include "mw/collect/preload/protocol.h"

namespace {

using mw::lockstep::Command;
using mw::lockstep::SharedState;

// A large lead from the start of the process: a timeout computed from the virtual clock then never
// lies in the past of the real one.
constexpr int64_t kLeadNs = 100'000LL * 1'000'000'000LL;
constexpr int64_t kRunFrameNs = 30'000'000;  // Pace outside lock-step: leave the CPU to the map.
constexpr uint32_t kFocusSwaps = 200;        // The game may take its time to notice the focus.

// The keys the recorder configures, in the order of the action row (see game_config.cpp).
constexpr KeySym kKeySyms[mw::lockstep::kNumKeys] = {XK_w, XK_s, XK_a, XK_d, XK_space, XK_u, XK_e};

template <class Function>
Function real(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
#define MW_REAL(name) static const auto real_##name = real<decltype(&(name))>(#name)

bool is_main_thread() {
  static thread_local const bool is_main = syscall(SYS_gettid) == getpid();
  return is_main;
}

int64_t real_ns(clockid_t clock) {
  MW_REAL(clock_gettime);
  timespec now{};
  real_clock_gettime(clock, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

/// All that the hooks know; touched by the main thread alone.
struct Lockstep {
  SharedState* shared = nullptr;
  bool is_locked = false;
  int64_t locked_since_ns = 0;  // Real time when lock-step began.
  int64_t locked_ns = 0;        // Game time passed since then.
  int64_t lead_ns = kLeadNs;    // Virtual minus real time, outside lock-step.
  uint32_t keys = 0;
  int pointer_x = 0, pointer_y = 0;
  Window window = 0;
  bool has_input = false;  // The game asks for the pointer: it is past its loading screen.
  Display* display = nullptr;
  std::deque<XEvent> events;

  Lockstep() {
    const char* path = std::getenv("MW_LOCKSTEP");
    if (path == nullptr) {
      return;
    }
    const int file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
      return;
    }
    void* memory = mmap(nullptr, sizeof(SharedState), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (memory == MAP_FAILED) {
      return;
    }
    shared = static_cast<SharedState*>(memory);
    if (shared->magic != mw::lockstep::kMagic) {
      shared = nullptr;
    }
  }

  int64_t offset_ns() const {
    return is_locked ? lead_ns + locked_ns - (real_ns(CLOCK_MONOTONIC) - locked_since_ns) : lead_ns;
  }

  void set_locked(bool locked) {
    if (locked == is_locked) {
      return;
    }
    if (locked) {
      locked_since_ns = real_ns(CLOCK_MONOTONIC);
      locked_ns = 0;
    } else {
      lead_ns = offset_ns();  // The clock goes on from where it stood.
    }
    is_locked = locked;
  }

  void push_key(int index, bool is_down) {
    XEvent event{};
    event.xkey.type = is_down ? KeyPress : KeyRelease;
    event.xkey.send_event = False;
    event.xkey.display = display;
    event.xkey.window = window;
    event.xkey.time = static_cast<Time>(shared->swaps.load()) * 16 + 1;
    event.xkey.keycode = XKeysymToKeycode(display, kKeySyms[index]);
    event.xkey.same_screen = True;
    events.push_back(event);
  }

  void push_focus() {
    XEvent event{};
    event.xfocus.type = FocusIn;
    event.xfocus.display = display;
    event.xfocus.window = window;
    event.xfocus.mode = NotifyNormal;
    event.xfocus.detail = NotifyNonlinear;
    events.push_back(event);
  }

  void hold_keys(uint32_t wanted) {
    for (int index = 0; index < mw::lockstep::kNumKeys; ++index) {
      if (((keys ^ wanted) >> index & 1U) != 0) {
        push_key(index, (wanted >> index & 1U) != 0);
      }
    }
    keys = wanted;
  }

  void read_back() {
    MW_REAL(glReadPixels);
    MW_REAL(glPixelStorei);
    real_glPixelStorei(GL_PACK_ALIGNMENT, 1);
    real_glReadPixels(0, 0, shared->width, shared->height, GL_RGB, GL_UNSIGNED_BYTE, shared->color);
    real_glReadPixels(0, 0, shared->width, shared->height, GL_DEPTH_COMPONENT, GL_FLOAT,
                      shared->depth);
  }

  void finish_order(uint32_t order) {
    shared->done_seq.store(order);
    syscall(SYS_futex, &shared->done_seq, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
  }

  /// Blocks until the recorder's next order. Ends the game when the recorder is gone.
  void await_order(uint32_t last) {
    while (shared->order_seq.load() == last) {
      const timespec timeout{1, 0};
      syscall(SYS_futex, &shared->order_seq, FUTEX_WAIT, last, &timeout, nullptr, 0);
      if (getppid() == 1) {
        _exit(0);
      }
    }
  }

  /// At the end of each drawn frame: hand over the finished order, take the next. True when the
  /// buffers still have to be swapped.
  bool on_swap() {
    shared->swaps.fetch_add(1);
    shared->has_keys.store(has_input ? 1 : 0);
    if (window != 0 && shared->swaps.load() < kFocusSwaps) {
      push_focus();
    }
    if (is_locked) {
      if (shared->command == Command::kFrame) {
        read_back();
      }
      const uint32_t order = shared->order_seq.load();
      finish_order(order);
      await_order(order);
    } else if (shared->order_seq.load() == shared->done_seq.load()) {
      MW_REAL(nanosleep);
      const timespec pause{0, kRunFrameNs};
      real_nanosleep(&pause, nullptr);
      return true;
    }
    take_order();
    return !is_locked;
  }

  void take_order() {
    if (shared->command == Command::kRun) {
      hold_keys(0);
      set_locked(false);
      finish_order(shared->order_seq.load());
      return;
    }
    set_locked(true);
    locked_ns += shared->order_ns;
    hold_keys(shared->keys);
    pointer_x += shared->mouse_dx;
    pointer_y += shared->mouse_dy;
  }

  void warp(int x, int y) {
    pointer_x = x;
    pointer_y = y;
  }
};

Lockstep& state() {
  static Lockstep lockstep;
  return lockstep;
}

bool is_hooked() { return is_main_thread() && state().shared != nullptr; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, timespec* out) {
  MW_REAL(clock_gettime);
  const int result = real_clock_gettime(clock, out);
  const bool is_wall = clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC ||
                       clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_REALTIME_COARSE ||
                       clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_BOOTTIME;
  if (result != 0 || !is_wall || !is_hooked()) {
    return result;
  }
  const int64_t now = out->tv_sec * 1'000'000'000LL + out->tv_nsec + state().offset_ns();
  out->tv_sec = now / 1'000'000'000LL;
  out->tv_nsec = now % 1'000'000'000LL;
  return result;
}

int gettimeofday(timeval* out, void* zone) noexcept {
  MW_REAL(gettimeofday);
  if (!is_hooked()) {
    return real_gettimeofday(out, zone);
  }
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}

int nanosleep(const timespec* wanted, timespec* rest) {
  MW_REAL(nanosleep);
  return is_hooked() && state().is_locked ? 0 : real_nanosleep(wanted, rest);
}

int usleep(useconds_t wanted_us) {
  MW_REAL(usleep);
  return is_hooked() && state().is_locked ? 0 : real_usleep(wanted_us);
}

void glLoadMatrixf(const GLfloat* matrix) {
  MW_REAL(glLoadMatrixf);
  // Only a perspective projection has w = +-z and a zero in the last corner.
  if (is_hooked() && matrix[15] == 0.0F && (matrix[11] == 1.0F || matrix[11] == -1.0F)) {
    for (int i = 0; i < 16; ++i) {
      state().shared->projection[i] = matrix[i];
    }
  }
  real_glLoadMatrixf(matrix);
}

void glXSwapBuffers(Display* display, GLXDrawable drawable) {
  MW_REAL(glXSwapBuffers);
  if (!is_hooked()) {
    real_glXSwapBuffers(display, drawable);
    return;
  }
  state().display = display;
  if (state().on_swap()) {
    real_glXSwapBuffers(display, drawable);
  }
}

int XPending(Display* display) {
  MW_REAL(XPending);
  if (is_hooked() && !state().events.empty()) {
    return static_cast<int>(state().events.size());
  }
  return real_XPending(display);
}

int XNextEvent(Display* display, XEvent* event) {
  MW_REAL(XNextEvent);
  if (is_hooked() && !state().events.empty()) {
    *event = state().events.front();
    state().events.pop_front();
    return 0;
  }
  const int result = real_XNextEvent(display, event);
  if (is_hooked()) {
    state().window = event->xany.window;  // The game has one window.
    if (event->type == FocusOut) {        // It pauses its input without focus.
      event->type = FocusIn;
    }
  }
  return result;
}

int XPeekEvent(Display* display, XEvent* event) {
  MW_REAL(XPeekEvent);
  if (is_hooked() && !state().events.empty()) {
    *event = state().events.front();
    return 0;
  }
  return real_XPeekEvent(display, event);
}

Bool XQueryPointer(Display* display, Window window, Window* root, Window* child, int* root_x,
                   int* root_y, int* x, int* y, unsigned int* mask) {
  MW_REAL(XQueryPointer);
  const Bool result = real_XQueryPointer(display, window, root, child, root_x, root_y, x, y, mask);
  if (is_hooked()) {
    state().window = window;
    state().has_input = true;
    *x = *root_x = state().pointer_x;
    *y = *root_y = state().pointer_y;
    *mask = 0;
  }
  return result;
}

int XWarpPointer(Display* display, Window source, Window target, int source_x, int source_y,
                 unsigned int source_width, unsigned int source_height, int x, int y) {
  MW_REAL(XWarpPointer);
  if (is_hooked()) {
    state().warp(x, y);
    return 1;
  }
  return real_XWarpPointer(display, source, target, source_x, source_y, source_width, source_height,
                           x, y);
}

// The game warps through XInput2; without this hook the pointer never returns to the centre and
// the camera spins. Declared here: the header is not needed for the one function.
// NOLINTNEXTLINE(readability-identifier-naming)
Bool XIWarpPointer(Display*, int, Window, Window, double, double, unsigned int, unsigned int,
                   double x, double y) {
  if (is_hooked()) {
    state().warp(static_cast<int>(x), static_cast<int>(y));
  }
  return True;
}

}  // extern "C"
