// SPDX-License-Identifier: Apache-2.0
// The binary messages of the stream; docs/protocol.md describes them. All numbers are little-endian.

export const KEYS = ["W", "S", "A", "D", "Space", "Shift", "Ctrl"];  // bit 0 first
export const BIT = Object.fromEntries(KEYS.map((name, i) => [name, 1 << i]));

const ACTION = 0x01, ACK = 0x02, CONTROL = 0x03, SPEED = 0x04;
const FRAME = 0x81, EVENT = 0x82;
const FRAME_HEADER_BYTES = 40;
const OPS = { pause: 0, resume: 1, reset: 2, undo: 3 };

function message(type, bytes, fill) {
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint8(0, type);
  fill(view);
  return view.buffer;
}

/** What the player does. pitch, yaw: degrees since the last action; clientMs: when it was done. */
export function encodeAction({ keys, seq, pitch, yaw, clientMs }) {
  return message(ACTION, 24, (v) => {
    v.setUint8(1, keys);
    v.setUint32(4, seq, true);
    v.setFloat32(8, pitch, true);
    v.setFloat32(12, yaw, true);
    v.setFloat64(16, clientMs, true);
  });
}

/** Says that a frame is on the screen. */
export function encodeAck(frame) {
  return message(ACK, 8, (v) => v.setUint32(4, frame, true));
}

/** op: pause, resume, reset or undo; frames: how far undo goes back. */
export function encodeControl(op, frames = 0) {
  return message(CONTROL, 4, (v) => {
    v.setUint8(1, OPS[op]);
    v.setUint16(2, Math.min(frames, 0xffff), true);
  });
}

/** fps: the most frames a second; 0 is the model's own rate. */
export function encodeSpeed(fps) {
  return message(SPEED, 8, (v) => v.setFloat32(4, fps, true));
}

/** One message of the server as {type: "frame" | "event", ...}; null when it is none we know. */
export function decode(buffer) {
  const v = new DataView(buffer);
  if (v.byteLength >= FRAME_HEADER_BYTES && v.getUint8(0) === FRAME) {
    const bytes = v.getUint32(36, true);
    if (FRAME_HEADER_BYTES + bytes > v.byteLength) return null;
    return {
      type: "frame",
      keys: v.getUint8(1),
      restarted: (v.getUint16(2, true) & 1) !== 0,
      frame: v.getUint32(4, true),
      seq: v.getUint32(8, true),
      pitch: v.getFloat32(12, true),
      yaw: v.getFloat32(16, true),
      clientMs: v.getFloat64(20, true),
      modelMs: v.getFloat32(28, true),
      queueMs: v.getFloat32(32, true),
      jpeg: new Uint8Array(buffer, FRAME_HEADER_BYTES, bytes),
    };
  }
  if (v.byteLength >= 4 && v.getUint8(0) === EVENT) {
    try {
      const text = new TextDecoder().decode(new Uint8Array(buffer, 4));
      return { type: "event", ...JSON.parse(text) };
    } catch {
      return null;
    }
  }
  return null;
}

/** The latched action in words: "none", "D", "W+Space". */
export function describeKeys(keys) {
  return KEYS.filter((_, i) => keys & (1 << i)).join("+") || "none";
}
