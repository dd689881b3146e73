-- SPDX-License-Identifier: Apache-2.0
-- Server side of the recorder: a plain world without damage, HUD and sky bodies, start places on
-- request, and one line on the log for each answer. Requests come as lines of a file, numbered, so
-- that none is answered twice: "<number> place <seed> <time of day>", "<number> go x y z yaw pitch".

local request_path = minetest.settings:get("mw_request_path")
local last_request = 0

local open_biomes = {
  grassland = true, savanna = true, desert = true, snowy_grassland = true,
  sandstone_desert = true, deciduous_forest = true, coniferous_forest = true,
  grassland_dunes = true, savanna_shore = true, deciduous_forest_shore = true,
  coniferous_forest_dunes = true, tundra_beach = true,
}
local forests = { deciduous_forest = true, coniferous_forest = true }

local function say(...) minetest.log("action", "MW " .. table.concat({...}, " ")) end

local function is_solid(pos)
  local def = minetest.registered_nodes[minetest.get_node(pos).name]
  return def == nil or def.walkable
end

local function player() return minetest.get_player_by_name("bot") end

minetest.register_on_joinplayer(function(joined)
  joined:hud_set_flags({hotbar = false, healthbar = false, crosshair = false, wielditem = false,
                        breathbar = false, minimap = false, minimap_radar = false})
  joined:set_sun({visible = false, sunrise_visible = false})
  joined:set_moon({visible = false})
  joined:set_stars({visible = false})
  joined:set_clouds({density = 0})
  joined:set_armor_groups({immortal = 1})
  local privs = minetest.get_player_privs("bot")
  privs.fast = true
  minetest.set_player_privs("bot", privs)
  say("joined")
end)

minetest.register_on_chat_message(function() return true end)

local function biome_at(pos)
  local data = minetest.get_biome_data(pos)
  return data and minetest.get_biome_name(data.biome) or "unknown"
end

-- The height at which a player stands at (x, z) near `y`, or nil.
local function ground(x, y, z)
  for height = y + 12, y - 12, -1 do
    if is_solid({x = x, y = height, z = z}) then
      local node = minetest.registered_nodes[minetest.get_node({x = x, y = height + 1, z = z}).name]
      if is_solid({x = x, y = height + 1, z = z}) or (node and node.liquidtype ~= "none") then
        return nil
      end
      return height + 0.5
    end
  end
end

-- How far one sees along `angle` at eye height, at most `limit` nodes.
local function sight(x, y, z, angle, limit)
  for distance = 1, limit do
    local pos = {x = x + math.sin(angle) * distance, y = y + 1.6, z = z + math.cos(angle) * distance}
    if is_solid(pos) then return distance - 1 end
  end
  return limit
end

-- In how many of 16 directions one sees far, and the angle in which one sees furthest.
local function look_round(x, y, z, random)
  local num_open, best, best_angle = 0, -1, 0
  for step = 0, 15 do
    local angle = step * math.pi / 8
    local distance = sight(x, y, z, angle, 20)
    if distance >= 14 then num_open = num_open + 1 end
    local score = distance + random:next(0, 100) / 20
    if score > best then best, best_angle = score, angle end
  end
  return num_open, best_angle
end

-- Looks for an open place; answers "place <number> ok x y z yaw biome" or "place <number> none".
local function find_place(number, random, attempts)
  local lowest = random:next(1, 4) == 1 and 3 or 8  -- Mostly inland.
  for attempt = attempts, 1, -1 do
    local x, z = random:next(-4000, 4000), random:next(-4000, 4000)
    local y = minetest.get_spawn_level(x, z)
    local biome = y and biome_at({x = x, y = y, z = z})
    local is_wanted = y and y >= lowest and y <= 45 and open_biomes[biome]
      and not (forests[biome] and random:next(1, 2) == 1)
    if is_wanted then
      local centre = vector.new(x, y, z)
      minetest.emerge_area(vector.subtract(centre, 24), vector.add(centre, 24),
        function(_, _, remaining)
          if remaining > 0 then return end
          local stand = ground(x, y, z)
          local num_open, angle = 0, 0
          if stand then num_open, angle = look_round(x, stand, z, random) end
          if num_open >= 7 then
            say("place", number, "ok", x, stand, z, angle * 180 / math.pi, biome)
          else
            find_place(number, random, attempt - 1)
          end
        end)
      return
    end
  end
  say("place", number, "none")
end

local function go(number, x, y, z, yaw, pitch)
  local bot = player()
  bot:set_pos({x = x, y = y, z = z})
  bot:set_look_horizontal(-yaw * math.pi / 180)
  bot:set_look_vertical(pitch * math.pi / 180)
  say("gone", number)
end

local function serve()
  local file = io.open(request_path)
  if not file then return end
  local line = file:read("*l")
  file:close()
  local words = (line or ""):split(" ")
  local number = tonumber(words[1])
  if not number or number <= last_request or not player() then return end
  last_request = number
  if words[2] == "place" then
    minetest.set_timeofday(tonumber(words[4]))
    find_place(number, PcgRandom(tonumber(words[3])), 60)
  elseif words[2] == "go" then
    go(number, tonumber(words[3]), tonumber(words[4]), tonumber(words[5]), tonumber(words[6]),
       tonumber(words[7]))
  end
end

local last_biome
minetest.register_globalstep(function()
  serve()
  local bot = player()
  local biome = bot and biome_at(bot:get_pos())
  if biome and biome ~= last_biome then
    last_biome = biome
    say("biome", biome)
  end
end)
