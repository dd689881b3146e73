// SPDX-License-Identifier: Apache-2.0
// Words on the page: the veil over the picture, the status line, the numbers, the settings.

const byId = (id) => document.getElementById(id);
const TOAST_MS = 4000;
const TOAST_LONG_MS = 8000;

let toastTimer = 0;

/** Shows a short message and has screen readers say it. */
export function announce(text, { long = false } = {}) {
  const toast = byId("toast");
  clearTimeout(toastTimer);
  toast.textContent = text;
  toast.classList.add("shown");
  toastTimer = setTimeout(() => toast.classList.remove("shown"), long ? TOAST_LONG_MS : TOAST_MS);
}

const VEILS = {
  connecting: { title: "Waking the world", text: "The first frame is on its way." },
  ready: {
    title: "",
    text: "W A S D to walk, mouse or arrow keys to look",
    touchText: "The stick walks, dragging looks",
    button: "Play",
  },
  paused: { title: "Paused", text: "", button: "Resume" },
  lost: { title: "Connection lost", text: "Reconnecting. A new world starts as soon as the server answers." },
  full: { title: "The server is full", text: "Your world starts as soon as a place is free." },
  over: { title: "This world has ended", text: "It was left alone for a while.", button: "Start again" },
  failed: { title: "This world cannot start", text: "", button: "Try again" },
};

/** name: a key of VEILS, or null for a clear view. */
export function showVeil(name, detail = "") {
  const veil = byId("veil");
  const hadFocus = veil.contains(document.activeElement);
  veil.dataset.state = name ?? "";
  veil.hidden = name === null;
  if (hadFocus) byId("stage").focus({ preventScroll: true });
  if (name === null) return;
  const { title, text, touchText, button } = VEILS[name];
  const words = document.documentElement.classList.contains("has-touch") ? (touchText ?? text) : text;
  byId("veil-title").textContent = title;
  byId("veil-title").hidden = !title;
  byId("veil-text").textContent = [words, detail].filter(Boolean).join(" ");
  byId("veil-button").textContent = button ?? "";
  byId("veil-button").hidden = !button;
}

const CONNECTIONS = {
  connecting: "Connecting", live: "Live", paused: "Paused", lost: "Reconnecting", full: "Waiting", failed: "Stopped", over: "Ended",
};

export function showConnection(state) {
  byId("connection").dataset.state = state;
  byId("connection-text").textContent = CONNECTIONS[state];
}

export function showModel({ name, width, height, fps, device }) {
  byId("model").hidden = false;
  byId("model").textContent = `${name} \u00b7 ${width}\u00d7${height} \u00b7 ${fps} fps`;
  byId("device").textContent = device ?? "-";
}

const whole = (value) => (value === null ? "-" : String(Math.round(value)));

export function showNumbers(fps, latency, modelMs) {
  byId("fps").textContent = fps.toFixed(1);
  byId("p50").textContent = whole(latency.p50);
  byId("p95").textContent = whole(latency.p95);
  byId("model-ms").textContent = modelMs > 0 ? modelMs.toFixed(1) : "-";
  byId("chip-fps").textContent = whole(fps);
  byId("chip-latency").textContent = latency.p50 === null ? "" : ` \u00b7 ${whole(latency.p50)} ms`;
}

function setButton(id, icon, text, label, pressed) {
  const button = byId(id);
  button.setAttribute("aria-pressed", String(pressed));
  button.setAttribute("aria-label", label);
  button.querySelector("span").textContent = text;
  button.querySelector("use").setAttribute("href", icon);
}

export function showPaused(on) {
  setButton("pause", on ? "#i-play" : "#i-pause", on ? "Resume" : "Pause", on ? "Resume" : "Pause", on);
}

export function showRecording(state) {
  const on = state === "recording";
  setButton("record", "#i-record", on ? "Stop" : state === "saving" ? "Saving" : "Record",
            on ? "Stop and download the video" : "Record a video", on);
  byId("record").disabled = state === "saving";
  byId("record-chip").hidden = !on;
  byId("record-time").textContent = "0:00";
}

export function showRecordTime(seconds) {
  byId("record-time").textContent = `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
}

function stored(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;  // a browser that keeps nothing
  }
}

function store(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // Settings then last as long as the page.
  }
}

/** Binds an input to a stored setting; apply(value) is called now and on each change. */
export function bindSetting(id, apply) {
  const input = byId(id);
  const isCheck = input.type === "checkbox";
  const key = `microworld.${id}`;
  const kept = stored(key);
  if (kept !== null && isCheck) input.checked = kept === "true";
  else if (kept !== null) input.value = kept;
  const changed = () => {
    const value = isCheck ? input.checked : Number(input.value);
    store(key, String(value));
    apply(value);
  };
  input.addEventListener("input", changed);
  changed();
}

export function setText(id, text) {
  byId(id).textContent = text;
}
