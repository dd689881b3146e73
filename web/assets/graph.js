// SPDX-License-Identifier: Apache-2.0
// The last half minute of frames per second and key-to-photon latency.

import { percentile } from "./stats.js";

const SAMPLES = 120;
const SCALES = [250, 500, 1000, 2500, 5000, 10000];  // ms at the top of the graph
const PAD = 3;

export class Graph {
  #canvas;
  #fps = [];
  #latency = [];

  constructor(canvas) {
    this.#canvas = canvas;
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** latency: ms, or null when nothing was pressed since the sample before. */
  add(fps, latency) {
    this.#fps.push(fps);
    this.#latency.push(latency);
    if (this.#fps.length > SAMPLES) {
      this.#fps.shift();
      this.#latency.shift();
    }
    this.draw();
  }

  draw() {
    const width = this.#canvas.clientWidth, height = this.#canvas.clientHeight;
    if (width === 0) return;
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    const g = this.#canvas.getContext("2d");
    g.scale(scale, scale);
    const style = getComputedStyle(this.#canvas);
    const color = (name) => style.getPropertyValue(name).trim();
    const x = (i) => width - PAD - ((this.#fps.length - 1 - i) * (width - 2 * PAD)) / (SAMPLES - 1);

    // The smallest scale that fits most of the latencies; what lies above is drawn at the top.
    const sorted = this.#latency.filter((ms) => ms !== null).sort((a, b) => a - b);
    const usual = percentile(sorted, 0.8) ?? 0;
    const top = SCALES.find((scale) => scale >= 1.2 * usual) ?? SCALES.at(-1);
    const y = (share) => height - PAD - Math.min(1, share) * (height - 2 * PAD);
    g.font = `10px ${color("--mono") || "monospace"}`;
    g.lineWidth = 1;
    for (const share of [0.4, 0.8]) {
      g.strokeStyle = color("--line");
      g.beginPath();
      g.moveTo(0, Math.round(y(share)) + 0.5);
      g.lineTo(width, Math.round(y(share)) + 0.5);
      g.stroke();
      g.fillStyle = color("--muted");
      g.fillText(`${share * top} ms`, 4, y(share) - 3);
    }
    g.fillStyle = color("--latency");
    this.#latency.forEach((ms, i) => {
      if (ms !== null) g.fillRect(x(i) - 1, y(ms / top) - 1, 3, 3);
    });
    const best = Math.max(20, ...this.#fps) * 1.1;
    g.strokeStyle = color("--accent");
    g.lineWidth = 1.75;
    g.lineJoin = "round";
    g.beginPath();
    this.#fps.forEach((fps, i) => (i === 0 ? g.moveTo(x(i), y(fps / best)) : g.lineTo(x(i), y(fps / best))));
    g.stroke();
  }
}
