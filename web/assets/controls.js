// SPDX-License-Identifier: Apache-2.0
// What all input devices together do, sent when it changes and at most 60 times a second.

const SEND_INTERVAL_MS = 1000 / 60;
const LARGEST_TURN = 180;  // degrees in one action

/** send(keys, pitch, yaw, clientMs); changed(keys) tells the overlay. */
export class Controls {
  #send;
  #changed;
  #held = new Map();    // device -> keys
  #turns = new Map();   // device -> [pitch, yaw] in degrees a second
  #releases = new Map();
  #pressedAt = new Map();
  #sent = 0;
  #pitch = 0;
  #yaw = 0;
  #since = null;        // when the oldest input happened that is not sent yet
  #lastSend = -Infinity;
  #timer = 0;
  #turning = 0;
  #turnedAt = 0;

  constructor(send, changed) {
    this.#send = send;
    this.#changed = changed;
    this.enabled = false;
    this.framePeriodMs = 62.5;
  }

  get keys() {
    let all = 0;
    for (const keys of this.#held.values()) all |= keys;
    return all;
  }

  /** Presses or lets go of one key bit. A short tap is held for one frame, so that the world sees it. */
  press(device, bit, down, time = performance.now()) {
    const id = `${device}/${bit}`;
    clearTimeout(this.#releases.get(id));
    this.#releases.delete(id);
    const held = this.#held.get(device) ?? 0;
    if (down) {
      if (!(held & bit)) this.#pressedAt.set(id, time);
      this.hold(device, held | bit, time);
      return;
    }
    const wait = (this.#pressedAt.get(id) ?? 0) + this.framePeriodMs + 10 - time;
    const release = (at) => {
      this.#releases.delete(id);
      this.hold(device, (this.#held.get(device) ?? 0) & ~bit, at);
    };
    if (wait > 0) this.#releases.set(id, setTimeout(() => release(performance.now()), wait));
    else release(time);
  }

  /** All keys of a device at once. */
  hold(device, keys, time = performance.now()) {
    const before = this.keys;
    this.#held.set(device, keys);
    if (this.keys === before) return;
    this.#changed(this.keys);
    this.#note(time);
  }

  /** Turns the view by so many degrees; positive looks down and right. */
  look(pitch, yaw, time = performance.now()) {
    if (!this.enabled || (pitch === 0 && yaw === 0)) return;
    this.#pitch += pitch;
    this.#yaw += yaw;
    this.#note(time);
  }

  /** Keeps turning at a rate in degrees a second until set to zero. */
  turn(device, pitchRate, yawRate) {
    this.#turnNow();
    if (pitchRate === 0 && yawRate === 0) this.#turns.delete(device);
    else this.#turns.set(device, [pitchRate, yawRate]);
    if (this.#turns.size > 0 && !this.#turning) {
      this.#turnedAt = performance.now();
      this.#turning = setInterval(() => this.#turnNow(), SEND_INTERVAL_MS);
    } else if (this.#turns.size === 0) {
      clearInterval(this.#turning);
      this.#turning = 0;
    }
  }

  releaseAll() {
    for (const timer of this.#releases.values()) clearTimeout(timer);
    this.#releases.clear();
    clearInterval(this.#turning);
    this.#turning = 0;
    this.#turns.clear();
    const before = this.keys;
    this.#held.clear();
    if (before === 0) return;
    this.#changed(0);
    this.#note(performance.now());
  }

  /** Forgets what was sent: a new session knows of no key. */
  newSession() {
    this.#sent = 0;
    this.#pitch = this.#yaw = 0;
    this.#since = null;
    if (this.keys !== 0) this.#note(performance.now());
  }

  /** Sends keys that changed while `enabled` was off. */
  catchUp() {
    this.#note(performance.now());
  }

  #turnNow() {
    const now = performance.now();
    const seconds = Math.min(now - this.#turnedAt, 100) / 1000;
    this.#turnedAt = now;
    for (const [pitch, yaw] of this.#turns.values()) this.look(pitch * seconds, yaw * seconds, now);
  }

  #note(time) {
    if (!this.enabled) return;
    this.#since ??= time;
    const wait = this.#lastSend + SEND_INTERVAL_MS - performance.now();
    if (wait <= 0) this.#flush();
    else if (!this.#timer) this.#timer = setTimeout(() => this.#flush(), wait);
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const keys = this.keys;
    const nothing = keys === this.#sent && this.#pitch === 0 && this.#yaw === 0;
    if (!this.enabled || nothing) {
      this.#since = null;
      return;
    }
    const limit = (angle) => Math.max(-LARGEST_TURN, Math.min(LARGEST_TURN, angle));
    this.#send(keys, limit(this.#pitch), limit(this.#yaw), this.#since ?? performance.now());
    this.#sent = keys;
    this.#pitch = this.#yaw = 0;
    this.#since = null;
    this.#lastSend = performance.now();
  }
}
