// SPDX-License-Identifier: Apache-2.0
// The last half minute of frames per second and key-to-photon latency.

const SAMPLES = 120;
const LATENCY_GRID = [100, 200];
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

    // Latency shares the scale of its grid; fps has its own, from 0 to the best seen.
    const top = Math.max(240, ...this.#latency.map((ms) => ms ?? 0)) * 1.05;
    const y = (share) => height - PAD - share * (height - 2 * PAD);
    g.font = `10px ${color("--mono") || "monospace"}`;
    g.lineWidth = 1;
    for (const ms of LATENCY_GRID) {
      g.strokeStyle = color("--line");
      g.beginPath();
      g.moveTo(0, Math.round(y(ms / top)) + 0.5);
      g.lineTo(width, Math.round(y(ms / top)) + 0.5);
      g.stroke();
      g.fillStyle = color("--muted");
      g.fillText(`${ms} ms`, 2, y(ms / top) - 3);
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
