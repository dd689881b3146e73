// SPDX-License-Identifier: Apache-2.0
// One world on the server, and a new one whenever the connection is lost.

import * as api from "./api.js";
import { decode, encodeAck, encodeAction, encodeControl, encodeSpeed } from "./protocol.js";

const RETRY_MS = [300, 600, 1200, 2500, 5000];
const FULL_RETRY_MS = 5000;
const GOING_AWAY = 1001;
const SILENCE_MS = 20000;  // no frame for so long: ask whether the server is still there

/**
 * States: "connecting", "live", "lost", "full", "failed", and "over" when the server ended an idle world.
 * Handlers: state(name, detail), frame(message), event(message).
 */
export class Connection {
  #handlers;
  #socket = null;
  #attempt = 0;       // grows with each new session; older callbacks see that they are stale
  #tries = 0;
  #timer = 0;
  #lastFrameAt = 0;
  #seq = 0;
  #speed = 0;
  #paused = false;
  #first = null;

  constructor(handlers) {
    this.#handlers = handlers;
    this.session = null;  // {id, width, height, fps} as the server gave it
    this.start = null;
    this.state = "connecting";
    setInterval(() => this.#watch(), 5000);
  }

  /** Opens a world; an earlier one is closed. `first`: where the very first one begins instead. */
  async open(start, first = null) {
    this.start = start;
    this.#first = first;
    this.#tries = 0;
    this.#paused = false;
    await this.#connect("connecting");
  }

  /** Begins again from another start. Keeps the session where the server can. */
  async restart(start) {
    this.start = start;
    if (this.state !== "live") return this.open(start);
    const attempt = this.#attempt;
    try {
      await api.resetSession(this.session.id, start);
    } catch (error) {
      // Busy with something newer, or the server said what is wrong with this start.
      if (attempt !== this.#attempt) return;
      if (error instanceof api.ServerError && error.status === 400) throw error;
      await this.open(start);
    }
  }

  close() {
    clearTimeout(this.#timer);
    this.#attempt += 1;
    this.#leave();
  }

  /** Sends an action and returns its number; 0 when there is nobody to send it to. */
  act(keys, pitch, yaw, clientMs) {
    if (this.state !== "live") return 0;
    this.#seq += 1;
    this.#send(encodeAction({ keys, seq: this.#seq, pitch, yaw, clientMs }));
    return this.#seq;
  }

  ack(frame) {
    this.#send(encodeAck(frame));
  }

  set paused(on) {
    this.#paused = on;
    this.#lastFrameAt = performance.now();
    this.#send(encodeControl(on ? "pause" : "resume"));
  }

  get paused() {
    return this.#paused;
  }

  set speed(fps) {
    this.#speed = fps;
    this.#send(encodeSpeed(fps));
  }

  reset() {
    this.#send(encodeControl("reset"));
  }

  undo(seconds) {
    this.#send(encodeControl("undo", Math.round(seconds * (this.session?.fps ?? 16))));
  }

  #send(buffer) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(buffer);
  }

  #become(state, detail = "") {
    this.state = state;
    this.#handlers.state(state, detail);
  }

  #leave() {
    this.#socket?.close();
    this.#socket = null;
    const { session } = this;
    this.session = null;
    return session ? api.deleteSession(session.id) : null;
  }

  async #connect(state) {
    clearTimeout(this.#timer);
    const attempt = ++this.#attempt;
    const left = this.#leave();
    this.#become(state);
    let session;
    try {
      await left;  // the place may be the one that the new session gets
      session = await this.#create();
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error);
      return;
    }
    if (attempt !== this.#attempt) {
      api.deleteSession(session.id);
      return;
    }
    this.session = session;
    this.#listen(attempt);
  }

  async #create() {
    const first = this.#first;
    this.#first = null;
    try {
      return await api.createSession(first ?? this.start);
    } catch (error) {
      // The world to branch from is gone: a new one is better than none.
      const isGone = first !== null && error instanceof api.ServerError && !error.isFull;
      if (!isGone) throw error;
      return api.createSession(this.start);
    }
  }

  #listen(attempt) {
    const socket = new WebSocket(api.streamAddress(this.session.ws));
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#seq = 0;
    socket.onopen = () => {
      if (attempt !== this.#attempt) return;
      if (this.#speed) this.#send(encodeSpeed(this.#speed));
      if (this.#paused) this.#send(encodeControl("pause"));
      this.#tries = 0;
      this.#lastFrameAt = performance.now();
      this.#become("live");
    };
    socket.onmessage = ({ data }) => {
      const message = attempt === this.#attempt && data instanceof ArrayBuffer ? decode(data) : null;
      if (message?.type === "frame") {
        this.#lastFrameAt = performance.now();
        this.#handlers.frame(message);
      } else if (message) {
        this.#handlers.event(message);
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (attempt !== this.#attempt) return;
      // Nobody played: a new world would only take a place again.
      if (code === GOING_AWAY && this.#paused) this.#end();
      else this.#failed(new Error(reason));
    };
  }

  #end() {
    this.#socket = null;
    this.session = null;
    this.#become("over");
  }

  #failed(error) {
    const refused = error instanceof api.ServerError;
    this.#socket = null;
    if (refused && !error.isFull && error.status < 500) {
      this.#become("failed", error.message);
      return;
    }
    const full = refused && error.isFull;
    this.#become(full ? "full" : "lost", refused && !full ? error.message : "");
    const wait = full ? FULL_RETRY_MS : RETRY_MS[Math.min(this.#tries++, RETRY_MS.length - 1)];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#connect(this.state), wait);
  }

  async #watch() {
    const silent = performance.now() - this.#lastFrameAt > SILENCE_MS;
    if (this.state !== "live" || this.#paused || !silent) return;
    const attempt = this.#attempt;
    try {
      await api.healthy();
    } catch {
      if (attempt === this.#attempt) this.#failed(new Error("no answer"));
    }
  }
}
