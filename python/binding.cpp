// SPDX-License-Identifier: Apache-2.0
// microworld._core: worlds as Python sees them. What people use is microworld/env.py on top of it;
// _core.pyi has the signatures.
#include <ATen/Parallel.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "apps/mw/machine.h"
#include "mw/action/action_space.h"
#include "mw/action/parse.h"
#include "mw/core/error.h"
#include "mw/core/user_path.h"
#include "mw/engine/model_folder.h"
#include "mw/engine/world.h"
#include "mw/video/image_file.h"

namespace nb = nanobind;

namespace mw::python {
namespace {

using Frame = nb::ndarray<nb::numpy, uint8_t, nb::shape<-1, -1, 3>>;
using Picture = nb::ndarray<const uint8_t, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
using Keys = std::array<uint8_t, action::kNumKeys>;

/// The image as an array of its own, [H, W, 3], without a copy.
Frame to_array(video::Image image) {
  auto* kept = new video::Image(std::move(image));
  const nb::capsule owner(kept,
                          [](void* data) noexcept { delete static_cast<video::Image*>(data); });
  return Frame(kept->rgb.data(),
               {static_cast<size_t>(kept->height), static_cast<size_t>(kept->width), 3}, owner);
}

video::Image to_image(const Picture& picture) {
  video::Image image =
      video::make_image(static_cast<int>(std::min<size_t>(picture.shape(1), 1 << 20)),
                        static_cast<int>(std::min<size_t>(picture.shape(0), 1 << 20)));
  std::copy_n(picture.data(), picture.size(), image.rgb.begin());
  return image;
}

/// An engine::World that other Python threads don't wait for. Calls from several threads at once
/// are done one after another.
class World {
 public:
  World(const std::string& folder, const std::string& dtype) : world_(load(folder, dtype)) {}
  explicit World(engine::World world) : world_(std::move(world)) {}

  Frame start(const std::optional<Picture>& image, const std::string& caption, uint64_t seed,
              double pitch) {
    engine::WorldStart from;
    if (image) from.image = to_image(*image);
    from.caption = caption;
    from.seed = seed;
    from.pitch = pitch;
    return without_gil([&] { return world_.start(from); });
  }

  Frame step(const Keys& keys, float pitch, float yaw) {
    const action::Action action{.keys = keys, .pitch = pitch, .yaw = yaw};
    return without_gil([&] { return world_.step(action); });
  }

  World* sibling() const { return new World(world_.sibling()); }
  int width() const { return world_.width(); }
  int height() const { return world_.height(); }
  double fps() const { return world_.fps(); }
  bool reads_captions() const { return world_.reads_captions(); }

 private:
  static engine::World load(const std::string& folder, const std::string& dtype) {
    app::use_world_threads();
    return {user_path(folder), {.mode = engine::WorldMode::kFull, .dtype = dtype, .sampling = {}}};
  }

  template <class Work>
  Frame without_gil(const Work& work) {
    video::Image frame;
    {
      const nb::gil_scoped_release released;
      const std::lock_guard lock(in_use_);
      at::get_num_threads();  // Tells libtorch's number to a thread that is new to it.
      frame = work();
    }
    return to_array(std::move(frame));
  }

  engine::World world_;
  std::mutex in_use_;
};

/// Row by row from the first that leads on from the start frame.
std::vector<std::tuple<Keys, float, float>> parse_actions(const std::string& file_or_text) {
  const action::ActionTrack track = action::parse_actions(file_or_text);
  std::vector<std::tuple<Keys, float, float>> rows;
  for (const action::Action& row : track.rows()) rows.emplace_back(row.keys, row.pitch, row.yaw);
  rows.erase(rows.begin());
  return rows;
}

void translate_error(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const bool is_users_fault = exit_status(error.code()) == 1;
    PyErr_SetString(is_users_fault ? PyExc_ValueError : PyExc_RuntimeError, error.what());
  }
}

}  // namespace

NB_MODULE(_core, module) {
  nb::register_exception_translator(translate_error);
  nb::class_<World>(module, "World", nb::is_weak_referenceable())
      .def(nb::init<const std::string&, const std::string&>(), nb::arg("folder"),
           nb::arg("dtype") = "fp32", nb::call_guard<nb::gil_scoped_release>())
      .def("start", &World::start, nb::arg("image").none(), nb::arg("caption"), nb::arg("seed"),
           nb::arg("pitch"))
      .def("step", &World::step, nb::arg("keys"), nb::arg("pitch"), nb::arg("yaw"))
      .def("sibling", &World::sibling, nb::rv_policy::take_ownership)
      .def_prop_ro("width", &World::width)
      .def_prop_ro("height", &World::height)
      .def_prop_ro("fps", &World::fps)
      .def_prop_ro("reads_captions", &World::reads_captions);
  module.def(
      "find_model", [](const std::string& name) { return engine::find_model(name).string(); },
      nb::arg("name"));
  module.def(
      "read_image",
      [](const std::string& path) { return to_array(video::read_image(user_path(path))); },
      nb::arg("path"));
  module.def("parse_actions", &parse_actions, nb::arg("file_or_text"));
}

}  // namespace mw::python
