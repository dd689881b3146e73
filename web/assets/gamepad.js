// SPDX-License-Identifier: Apache-2.0
// A gamepad of the standard layout: left stick walks, right stick looks.

import { BIT } from "./protocol.js";
import { stickKeys } from "./touch.js";

const DEAD_ZONE = 0.15;
const TURN_RATE = 120;  // degrees a second with the stick at its end
const HELD = { 0: BIT.Space, 1: BIT.Shift, 4: BIT.Shift, 5: BIT.Ctrl, 10: BIT.Ctrl };
const COMMANDS = { 2: "undo", 3: "record", 8: "reset", 9: "pause" };

/** Fine near the middle, fast at the end. */
function rate(axis) {
  const size = Math.max(0, Math.abs(axis) - DEAD_ZONE) / (1 - DEAD_ZONE);
  return Math.sign(axis) * size * size * TURN_RATE;
}

export function listenToGamepad(controls, sensitivity, run, announce) {
  let polling = 0;
  let before = [];
  let turned = false;

  const poll = () => {
    const pad = navigator.getGamepads().find((one) => one?.connected);
    if (!pad) {
      polling = 0;
      controls.hold("gamepad", 0);
      controls.turn("gamepad", 0, 0);
      return;
    }
    polling = requestAnimationFrame(poll);
    const down = pad.buttons.map((button) => button.pressed);
    let keys = stickKeys(pad.axes[0] ?? 0, pad.axes[1] ?? 0);
    for (const [index, bit] of Object.entries(HELD)) if (down[index]) keys |= bit;
    controls.hold("gamepad", keys);
    const [pitch, yaw] = [rate(pad.axes[3] ?? 0), rate(pad.axes[2] ?? 0)];
    const turns = pitch !== 0 || yaw !== 0;
    if (turns || turned) controls.turn("gamepad", pitch * sensitivity(), yaw * sensitivity());
    turned = turns;
    for (const [index, command] of Object.entries(COMMANDS)) {
      if (down[index] && !before[index]) run(command);
    }
    before = down;
  };

  addEventListener("gamepadconnected", () => {
    announce("Gamepad connected");
    if (!polling) poll();
  });
  addEventListener("gamepaddisconnected", () => announce("Gamepad disconnected"));
}
