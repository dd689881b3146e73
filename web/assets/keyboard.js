// SPDX-License-Identifier: Apache-2.0
// Keys that move, arrows that turn, letters that command.

import { BIT } from "./protocol.js";

// Sprint and sneak have a letter each besides their usual keys: Ctrl+W closes a tab.
const MOVES = {
  KeyW: BIT.W, KeyS: BIT.S, KeyA: BIT.A, KeyD: BIT.D, Space: BIT.Space,
  ShiftLeft: BIT.Shift, ShiftRight: BIT.Shift, KeyC: BIT.Shift,
  ControlLeft: BIT.Ctrl, ControlRight: BIT.Ctrl, KeyQ: BIT.Ctrl,
};
const TURNS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const TURN_RATE = 64;      // degrees a second at sensitivity 1
const SHORTEST_TURN = 2;   // degrees that a tap turns
const COMMANDS = {
  KeyP: "pause", KeyU: "undo", KeyR: "reset", KeyB: "branch", KeyV: "record", KeyF: "fullscreen", KeyH: "help", KeyM: "mouse",
};

const TYPING = "input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]";
const USES_SPACE = "button, a, summary, input";
const USES_ARROWS = "input, [role=radiogroup] *";

/** Does the focused element want this key for itself? */
function isTaken(event) {
  const target = event.target instanceof Element ? event.target : document.body;
  if (target.closest("dialog[open]") || target.closest(TYPING)) return true;
  if (event.code === "Space") return Boolean(target.closest(USES_SPACE));
  return event.code in TURNS && Boolean(target.closest(USES_ARROWS));
}

/** run(command): pause, undo, reset, branch, record, fullscreen, help or mouse. */
export function listenToKeyboard(controls, sensitivity, run) {
  const turning = new Set();

  const turn = () => {
    const rate = TURN_RATE * sensitivity();
    let pitch = 0, yaw = 0;
    for (const code of turning) {
      pitch += TURNS[code][0] * rate;
      yaw += TURNS[code][1] * rate;
    }
    controls.turn("keyboard", pitch, yaw);
  };

  addEventListener("keydown", (event) => {
    if (isTaken(event) || event.metaKey || event.altKey) return;
    const { code, repeat, timeStamp } = event;
    if (code in MOVES) {
      if (!repeat) controls.press("keyboard", MOVES[code], true, timeStamp);
      event.preventDefault();
    } else if (code in TURNS) {
      if (!turning.has(code)) {
        const [pitch, yaw] = TURNS[code];
        controls.look(pitch * SHORTEST_TURN, yaw * SHORTEST_TURN, timeStamp);
        turning.add(code);
        turn();
      }
      event.preventDefault();
    } else if (!event.ctrlKey && (code in COMMANDS || event.key === "?")) {
      if (!repeat) run(COMMANDS[code] ?? "help");
      event.preventDefault();
    }
  });

  addEventListener("keyup", (event) => {
    const { code, timeStamp } = event;
    if (code in MOVES) controls.press("keyboard", MOVES[code], false, timeStamp);
    if (turning.delete(code)) turn();
  });

  // A key that goes up elsewhere is never seen to go up here.
  const release = () => {
    turning.clear();
    controls.releaseAll();
  };
  addEventListener("blur", release);
  addEventListener("focusin", ({ target }) => target.closest(TYPING) && release());
  document.addEventListener("visibilitychange", () => document.hidden && release());

  // With sprint held, W would close the tab: let the browser ask first.
  addEventListener("beforeunload", (event) => {
    if (controls.keys & BIT.Ctrl) event.preventDefault();
  });
}
