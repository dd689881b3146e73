// SPDX-License-Identifier: Apache-2.0
// Looking around: the captured mouse, or dragging the picture with a mouse, a pen or a finger.

const DEGREES_PER_PIXEL = 0.1;
const TOUCH_DEGREES_PER_PIXEL = 0.3;
const CLICK_PIXELS = 4;

export class Pointer {
  #stage;

  /** stage: the element that is captured; captured(on) is told of each change. */
  constructor(stage, controls, sensitivity, captured) {
    this.#stage = stage;
    this.drag(stage, controls, sensitivity, true);
    document.addEventListener("pointerlockchange", () => captured(this.isCaptured));
    document.addEventListener("mousemove", (event) => {
      if (!this.isCaptured) return;
      const scale = DEGREES_PER_PIXEL * sensitivity();
      controls.look(event.movementY * scale, event.movementX * scale, event.timeStamp);
    });
  }

  get isCaptured() {
    return document.pointerLockElement === this.#stage;
  }

  /** Raw mouse motion where the system has it. Returns false when the browser refuses. */
  async capture() {
    if (this.isCaptured) return true;
    try {
      await this.#stage.requestPointerLock({ unadjustedMovement: true });
      return true;
    } catch (error) {
      if (error.name !== "NotSupportedError") return false;
    }
    try {
      await this.#stage.requestPointerLock();
      return true;
    } catch {
      return false;
    }
  }

  release() {
    if (this.isCaptured) document.exitPointerLock();
  }

  /** Dragging on `element` looks; with `clickCaptures` a click of the mouse captures it. */
  drag(element, controls, sensitivity, clickCaptures = false) {
    let id = null, x = 0, y = 0, moved = 0;
    element.addEventListener("pointerdown", (event) => {
      if (id !== null || event.button !== 0 || this.isCaptured || event.target.closest("button")) return;
      [id, x, y, moved] = [event.pointerId, event.clientX, event.clientY, 0];
      element.setPointerCapture(id);
    });
    element.addEventListener("pointermove", (event) => {
      if (event.pointerId !== id || this.isCaptured) return;
      const [dx, dy] = [event.clientX - x, event.clientY - y];
      [x, y] = [event.clientX, event.clientY];
      moved += Math.abs(dx) + Math.abs(dy);
      const perPixel = event.pointerType === "touch" ? TOUCH_DEGREES_PER_PIXEL : DEGREES_PER_PIXEL;
      const scale = perPixel * sensitivity();
      controls.look(dy * scale, dx * scale, event.timeStamp);
    });
    const end = (event) => {
      if (event.pointerId !== id) return;
      id = null;
      const clicked = event.type === "pointerup" && moved < CLICK_PIXELS && event.pointerType === "mouse";
      if (clickCaptures && clicked) this.capture();
    };
    element.addEventListener("pointerup", end);
    element.addEventListener("pointercancel", end);
  }
}
