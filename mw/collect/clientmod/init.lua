-- SPDX-License-Identifier: Apache-2.0
-- Client side of the recorder: after each step of the game, so once per frame, one line with the
-- exact state of the player: "MW state <frame> x y z vx vy vz grounded liquid yaw pitch probes".
-- yaw (counter-clockwise) and pitch (up) are the camera's, in radians. probes: for 8 compass directions, north first, clockwise, a digit for what lies 0.8 and then 2.2 nodes away:
-- 0 free, 1 a step to jump, 2 a wall, 3 a drop deeper than 3 nodes, 4 liquid, 5 unknown.

local frame = 0
local near, far = 0.8, 2.2

local function kind(x, y, z)
  local node = minetest.get_node_or_nil({x = x, y = y, z = z})
  if not node then return "unknown" end
  local def = minetest.get_node_def(node.name)
  if not def then return "unknown" end
  if def.liquidtype and def.liquidtype ~= "none" then return "liquid" end
  return def.walkable and "solid" or "free"
end

local function probe(pos, angle, distance)
  local x = math.floor(pos.x + math.sin(angle) * distance + 0.5)
  local z = math.floor(pos.z + math.cos(angle) * distance + 0.5)
  local y = math.floor(pos.y + 0.6)
  local feet = kind(x, y, z)
  if feet == "unknown" then return 5 end
  if feet == "liquid" then return 4 end
  if feet == "solid" or kind(x, y + 1, z) == "solid" then
    local is_step = feet == "solid" and kind(x, y + 1, z) ~= "solid" and kind(x, y + 2, z) ~= "solid"
    return is_step and 1 or 2
  end
  for depth = 1, 4 do
    local below = kind(x, y - depth, z)
    if below == "solid" then return 0 end
    if below == "liquid" then return 4 end
  end
  return 3
end

minetest.register_globalstep(function()
  local player, camera = minetest.localplayer, minetest.camera
  if not player or not camera then return end
  frame = frame + 1
  local pos, speed = player:get_pos(), player:get_velocity()
  local probes = {}
  for direction = 0, 7 do
    probes[#probes + 1] = probe(pos, direction * math.pi / 4, near)
    probes[#probes + 1] = probe(pos, direction * math.pi / 4, far)
  end
  minetest.log("action", ("MW state %d %.5f %.5f %.5f %.4f %.4f %.4f %d %d %.5f %.5f %s"):format(
    frame, pos.x, pos.y, pos.z, speed.x, speed.y, speed.z, player:is_touching_ground() and 1 or 0,
    player:is_in_liquid() and 1 or 0, camera:get_look_horizontal(), camera:get_look_vertical(),
    table.concat(probes)))
end)

-- Nothing may be drawn over the picture.
minetest.register_on_receiving_chat_message(function() return true end)
