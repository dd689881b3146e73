// SPDX-License-Identifier: Apache-2.0
// The picture: decodes frames in order, draws them, and shows which keys the world obeyed.

import { KEYS } from "./protocol.js";

const LOOK_FULL_SCALE = 8;  // degrees in a frame that push the look dot to its edge

export class Stage {
  #canvas;
  #context;
  #queue = Promise.resolve();
  #keycaps;
  #dot;
  #generation = 0;

  constructor(element) {
    this.element = element;
    this.#canvas = element.querySelector("canvas");
    this.#context = this.#canvas.getContext("2d", { alpha: false });
    this.#keycaps = KEYS.map((name) => element.querySelector(`[data-cap="${name}"]`));
    this.#dot = element.querySelector(".look-dot");
  }

  get canvas() {
    return this.#canvas;
  }

  /** Frames that are still being decoded belong to the past. */
  newSession({ width, height }) {
    this.#generation += 1;
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    document.documentElement.style.setProperty("--aspect", `${width} / ${height}`);
    document.documentElement.style.setProperty("--ratio", (width / height).toFixed(4));
  }

  /** Calls drawn(frame, now) once the frame is on the canvas; frames keep their order. */
  show(frame, drawn) {
    const generation = this.#generation;
    const decoding = createImageBitmap(new Blob([frame.jpeg], { type: "image/jpeg" }));
    decoding.catch(() => {});  // reported where it is awaited
    this.#queue = this.#queue.then(async () => {
      let picture = null;
      try {
        picture = await decoding;
        if (generation !== this.#generation) return;
        this.#context.drawImage(picture, 0, 0, this.#canvas.width, this.#canvas.height);
      } catch {
        // A damaged picture is passed over; the next one is on its way.
      } finally {
        picture?.close();
      }
      if (generation === this.#generation) drawn(frame, performance.now());
    });
  }

  /** Keys that are held here, before the world has answered. */
  showHeld(keys) {
    this.#keycaps.forEach((cap, i) => cap?.classList.toggle("held", (keys & (1 << i)) !== 0));
  }

  /** The action that led into the frame on the screen. */
  showAction({ keys, pitch, yaw }) {
    this.#keycaps.forEach((cap, i) => cap?.classList.toggle("obeyed", (keys & (1 << i)) !== 0));
    const scale = (angle) => Math.max(-1, Math.min(1, angle / LOOK_FULL_SCALE)).toFixed(2);
    this.#dot.style.setProperty("--x", scale(yaw));
    this.#dot.style.setProperty("--y", scale(pitch));
  }
}
