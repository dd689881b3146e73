// SPDX-License-Identifier: Apache-2.0
// Frames per second and key-to-photon latency, measured where the player sees them.

const FPS_WINDOW_MS = 2000;
const LATENCY_SAMPLES = 1000;  // the percentiles are those of the newest so many

export function percentile(sorted, share) {
  if (sorted.length === 0) return null;
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

export class Stats {
  constructor() {
    this.clear();
  }

  clear() {
    this.frames = 0;
    this.count = 0;
    this.modelMs = 0;
    this.queueMs = 0;
    this.latest = null;  // the newest latency sample, in ms
    this.#times = [];
    this.#latencies = [];
  }

  #times = [];
  #latencies = [];
  #newestSeq = 0;
  #ignoreTo = 0;

  /** A new session counts its actions from one again. */
  newSession() {
    this.#newestSeq = 0;
    this.#ignoreTo = 0;
    this.#times = [];
  }

  /** Actions up to `seq` waited for the player (a pause), not for the world. */
  ignoreActionsTo(seq) {
    this.#ignoreTo = seq;
  }

  /** Call when a frame has been drawn at `now`. */
  drawn(frame, now) {
    this.frames += 1;
    this.modelMs = frame.modelMs;
    this.queueMs = frame.queueMs;
    this.#times.push(now);
    while (this.#times[0] < now - FPS_WINDOW_MS) this.#times.shift();
    if (frame.seq <= this.#newestSeq) return;
    this.#newestSeq = frame.seq;
    if (frame.seq <= this.#ignoreTo) return;
    this.latest = now - frame.clientMs;
    this.count += 1;
    this.#latencies.push(this.latest);
    if (this.#latencies.length > LATENCY_SAMPLES) this.#latencies.shift();
  }

  fps(now = performance.now()) {
    const times = this.#times.filter((t) => t > now - FPS_WINDOW_MS);
    if (times.length < 2) return 0;
    // A frame that is overdue counts too, so that a stall shows at once.
    const gap = (times[times.length - 1] - times[0]) / (times.length - 1);
    const overdue = now - times[times.length - 1];
    return 1000 / Math.max(gap, overdue > 3 * gap ? overdue : 0);
  }

  latency() {
    const sorted = [...this.#latencies].sort((a, b) => a - b);
    return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), count: this.count };
  }
}
