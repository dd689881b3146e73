// SPDX-License-Identifier: Apache-2.0
// Records what is played and hands it over as a file: the server's mp4 where it keeps one, else
// what the browser can encode from the canvas.

import * as api from "./api.js";

const TYPES = ["video/mp4;codecs=avc1", "video/mp4", "video/webm;codecs=vp9", "video/webm"];

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

function fileName(extension) {
  const time = new Date().toISOString().slice(0, 19).replaceAll(":", "-");
  return `microworld-${time}.${extension}`;
}

/** changed("idle" | "recording" | "saving"); saved(); failed(text). */
export class Recorder {
  #canvas;
  #handlers;
  #onServer = null;  // not asked yet
  #browser = null;
  #session = null;
  #first = 0;

  constructor(canvas, handlers) {
    this.#canvas = canvas;
    this.#handlers = handlers;
    this.state = "idle";
    this.startedAt = 0;
  }

  get isRecording() {
    return this.state === "recording";
  }

  async begin(sessionId, frame) {
    if (this.state !== "idle") return;
    this.#onServer ??= await api.hasRecording();
    if (this.state !== "idle") return;
    this.#session = sessionId;
    this.#first = frame;
    if (!this.#onServer && !this.#beginInBrowser()) {
      this.#handlers.failed("This browser cannot record, and the server keeps no video.");
      return;
    }
    this.startedAt = performance.now();
    this.#become("recording");
  }

  /** frame: the last one that belongs to the recording. */
  async end(frame) {
    if (!this.isRecording) return;
    this.#become("saving");
    try {
      if (this.#browser) await this.#saveFromBrowser();
      else save(await api.recording(this.#session, this.#first, frame), fileName("mp4"));
      this.#handlers.saved();
    } catch (error) {
      this.#handlers.failed(`The video could not be saved: ${error.message}`);
    }
    this.#browser = null;
    this.#become("idle");
  }

  #become(state) {
    this.state = state;
    this.#handlers.changed(state);
  }

  #beginInBrowser() {
    const type = globalThis.MediaRecorder && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
    if (!type || !this.#canvas.captureStream) return false;
    const chunks = [];
    const recorder = new MediaRecorder(this.#canvas.captureStream(), {
      mimeType: type,
      videoBitsPerSecond: 4e6,
    });
    recorder.ondataavailable = ({ data }) => chunks.push(data);
    recorder.start(1000);
    this.#browser = { recorder, chunks, type: type.split(";")[0] };
    return true;
  }

  async #saveFromBrowser() {
    const { recorder, chunks, type } = this.#browser;
    await new Promise((resolve) => {
      recorder.onstop = resolve;
      recorder.stop();
    });
    recorder.stream.getTracks().forEach((track) => track.stop());
    save(new Blob(chunks, { type }), fileName(type === "video/mp4" ? "mp4" : "webm"));
  }
}
