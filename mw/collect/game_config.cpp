// SPDX-License-Identifier: Apache-2.0
#include "mw/collect/game_config.h"

#include <sstream>

#include "mw/collect/mod_sources.h"
#include "mw/core/error.h"
#include "mw/io/atomic_file.h"

namespace mw::collect {
namespace {

namespace fs = std::filesystem;

// Picture: nothing over the scene, nothing that moves by itself, mip-maps against shimmer. The
// frame limiter must stay above the recording's rate, or it sleeps in virtual time.
constexpr const char* kPictureSettings = R"(fullscreen = false
autosave_screensize = false
vsync = false
fps_max = 1000
fps_max_unfocused = 1000
pause_on_lost_focus = false
view_bobbing_amount = 0
fall_bobbing_amount = 0
enable_shaders = false
mip_map = true
smooth_lighting = true
leaves_style = simple
enable_particles = false
enable_clouds = false
enable_minimap = false
recent_chat_messages = 0
show_entity_selectionbox = false
hud_scaling = 1
viewing_range = 100
enable_fog = true
enable_sound = false
)";

// Rules: a lone player whom nothing hurts, in a world whose sun stands still; mods may use files.
constexpr const char* kRuleSettings = R"(name = bot
enable_damage = false
time_speed = 0
enable_server = false
server_announce = false
bind_address = 127.0.0.1
enable_client_modding = true
csm_restriction_flags = 0
secure.enable_security = false
disable_anticheat = true
dedicated_server_step = 0.05
max_block_send_distance = 9
max_block_generate_distance = 9
max_simultaneous_block_sends_per_client = 200
mob_spawn = false
debug_log_level = action
doubletap_jump = false
free_move = false
fast_move = true
always_fly_fast = false
aux1_descends = false
autojump = false
)";

// The order of the action row W S A D Space Shift Ctrl; Shift and Ctrl are plain letters here, so
// that no modifier changes the other keys (preload/lockstep.cpp sends these).
constexpr const char* kKeySettings = R"(keymap_forward = KEY_KEY_W
keymap_backward = KEY_KEY_S
keymap_left = KEY_KEY_A
keymap_right = KEY_KEY_D
keymap_jump = KEY_SPACE
keymap_sneak = KEY_KEY_U
keymap_camera_mode =
keymap_aux1 = KEY_KEY_E
keymap_inventory =
keymap_special1 =
keymap_chat =
keymap_cmd =
keymap_drop =
keymap_freemove =
keymap_fastmove =
keymap_zoom =
)";

void write_map_settings(const GameConfig& config, std::ostream& out) {
  // Two worlds of three are gentle: no mountains, no river gorges; caves are nowhere, they are
  // dark.
  const bool is_hilly = config.world_seed % 3 == 2;
  out << "mg_name = v7\n"
      << "fixed_map_seed = " << config.world_seed << '\n'
      << "mg_flags = nocaves,nodungeons,light,decorations,biomes\n"
      << "mgv7_spflags = " << (is_hilly ? "mountains" : "nomountains")
      << ",noridges,nofloatlands,nocaverns\n";
}

}  // namespace

void write_game_files(const GameConfig& config, const fs::path& home) {
  const fs::path client_mod = home / ".minetest" / "clientmods" / "mw_state";
  const fs::path world_mod = home / "world" / "worldmods" / "mw_recorder";
  std::error_code failure;
  fs::create_directories(client_mod, failure);
  fs::create_directories(world_mod, failure);
  if (failure) {
    throw Error(ErrorCode::kIo,
                concat_message(home.string(), ": can't create folders: ", failure.message()));
  }
  std::ostringstream settings;
  settings << kPictureSettings << kRuleSettings << kKeySettings << "screen_w = " << config.width
           << "\nscreen_h = " << config.height << "\nfov = " << kFieldOfView
           << "\nmouse_sensitivity = " << kDegreesPerPixel
           << "\nmovement_speed_walk = " << kWalkSpeed << "\nmovement_speed_fast = " << kSprintSpeed
           << "\nmovement_speed_crouch = " << kSneakSpeed
           << "\nmw_request_path = " << (home / "request").string() << '\n';
  write_map_settings(config, settings);
  io::write_file(home / "game.conf", settings.str());
  io::write_file(
      home / "world" / "world.mt",
      "gameid = minetest\nbackend = dummy\nplayer_backend = dummy\nauth_backend = files\n");
  io::write_file(world_mod / "mod.conf", "name = mw_recorder\n");
  io::write_file(world_mod / "init.lua", kWorldModSource);
  io::write_file(client_mod / "mod.conf", "name = mw_state\n");
  io::write_file(client_mod / "init.lua", kClientModSource);
  io::write_file(client_mod.parent_path() / "mods.conf", "load_mod_mw_state = true\n");
}

}  // namespace mw::collect
