// SPDX-License-Identifier: Apache-2.0
// A stick and buttons for fingers.

import { BIT } from "./protocol.js";

const DEAD_ZONE = 0.3;  // of the stick's radius

/** Keys of a stick at (x, y), each -1..1; y points down. Eight directions. */
export function stickKeys(x, y) {
  if (Math.hypot(x, y) < DEAD_ZONE) return 0;
  const eighth = Math.round(Math.atan2(y, x) / (Math.PI / 4));
  let keys = 0;
  if (Math.abs(eighth) <= 1) keys |= BIT.D;
  if (Math.abs(eighth) >= 3) keys |= BIT.A;
  if (eighth >= 1 && eighth <= 3) keys |= BIT.S;
  if (eighth <= -1 && eighth >= -3) keys |= BIT.W;
  return keys;
}

function listenToStick(stick, controls) {
  const knob = stick.querySelector(".knob");
  let id = null;

  const move = (x, y) => {
    const length = Math.max(1, Math.hypot(x, y));
    knob.style.setProperty("--x", (x / length).toFixed(3));
    knob.style.setProperty("--y", (y / length).toFixed(3));
    controls.hold("stick", stickKeys(x, y));
  };
  const follow = (event) => {
    if (event.pointerId !== id) return;
    const box = stick.getBoundingClientRect();
    const radius = box.width / 2;
    move((event.clientX - box.left) / radius - 1, (event.clientY - box.top) / radius - 1);
  };
  stick.addEventListener("pointerdown", (event) => {
    if (id !== null) return;
    id = event.pointerId;
    stick.setPointerCapture(id);
    follow(event);
  });
  stick.addEventListener("pointermove", follow);
  for (const type of ["pointerup", "pointercancel"]) {
    stick.addEventListener(type, (event) => {
      if (event.pointerId !== id) return;
      id = null;
      move(0, 0);
    });
  }
}

/** deck: the element with .stick and buttons with data-key; first touch anywhere shows it. */
export function listenToTouch(deck, controls) {
  listenToStick(deck.querySelector(".stick"), controls);
  for (const button of deck.querySelectorAll("[data-key]")) {
    const bit = BIT[button.dataset.key];
    const set = (down) => (event) => {
      controls.press("touch", bit, down, event.timeStamp);
      button.classList.toggle("down", down);
    };
    button.addEventListener("pointerdown", set(true));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(type, set(false));
    }
    button.addEventListener("contextmenu", (event) => event.preventDefault());
  }
  const show = () => document.documentElement.classList.add("has-touch");
  if (matchMedia("(pointer: coarse)").matches) show();
  addEventListener("touchstart", show, { once: true, passive: true });
}
