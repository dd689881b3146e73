// SPDX-License-Identifier: Apache-2.0
// Puts the page together: input -> connection -> picture -> numbers.

import * as api from "./api.js";
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { listenToGamepad } from "./gamepad.js";
import { Graph } from "./graph.js";
import { listenToKeyboard } from "./keyboard.js";
import { Pointer } from "./pointer.js";
import { describeKeys } from "./protocol.js";
import { Recorder } from "./recorder.js";
import { Stage } from "./stage.js";
import { Starts } from "./starts.js";
import { Stats } from "./stats.js";
import { listenToTouch } from "./touch.js";
import * as ui from "./ui.js";

const UNDO_SECONDS = 2;
const NUMBERS_MS = 250;

const byId = (id) => document.getElementById(id);
const stage = new Stage(byId("stage"));
const stats = new Stats();
const graph = new Graph(byId("graph"));

let model = null;
let newest = null;       // the frame on the screen
let hasPlayed = false;   // the player has touched a control in this page
let wasLost = false;
let sensitivity = 1;
let lastSeq = 0;
let hiddenPause = false;

const connection = new Connection({ state: stateChanged, frame: frameArrived, event: eventArrived });

const controls = new Controls(
  (keys, pitch, yaw, clientMs) => (lastSeq = connection.act(keys, pitch, yaw, clientMs)),
  (keys) => {
    stage.showHeld(keys);
    if (keys !== 0) play();
  },
);

const starts = new Starts(byId("starts"), {
  chosen: () => enter(),
  failed: (text) => ui.announce(text, { long: true }),
});

const recorder = new Recorder(stage.canvas, {
  changed: (state) => {
    ui.showRecording(state);
    if (state !== "idle") ui.announce(state === "recording" ? "Recording" : "Saving the video");
  },
  saved: () => ui.announce("Video saved"),
  failed: (text) => ui.announce(text, { long: true }),
});

const look = () => sensitivity;
const pointer = new Pointer(stage.element, controls, look, (captured) => {
  byId("mouse").setAttribute("aria-pressed", String(captured));
  stage.element.classList.toggle("captured", captured);
  if (captured) {
    play();
    ui.announce("Mouse captured. Esc frees it.");
  }
});

/** The first control that the player touches clears the view. */
function play() {
  if (hasPlayed || connection.state !== "live") return;
  hasPlayed = true;
  showState();
}

/** Goes to the world that the form describes. */
async function enter() {
  if (connection.paused) setPaused(false);
  stage.element.focus({ preventScroll: true });
  byId("starts").setAttribute("aria-busy", "true");
  try {
    await connection.restart(starts.start);
    ui.announce("A new world");
  } catch (error) {
    ui.announce(`This start does not work: ${error.message}`, { long: true });
  } finally {
    byId("starts").removeAttribute("aria-busy");
  }
}

function showState(detail) {
  const { state, paused } = connection;
  ui.showConnection(state === "live" && paused ? "paused" : state);
  if (state !== "live") ui.showVeil(state, detail);
  else if (paused) ui.showVeil("paused");
  else if (newest === null) ui.showVeil("connecting");
  else ui.showVeil(hasPlayed ? null : "ready");
  ui.showPaused(paused);
  controls.enabled = state === "live" && !paused;
}

function stateChanged(state, detail) {
  if (state === "live") {
    newest = null;
    stage.newSession(connection.session);
    stats.newSession();
    controls.newSession();
    controls.framePeriodMs = 1000 / (connection.session.fps || 16);
    starts.size = connection.session;
    if (wasLost) ui.announce("Connected again, in a new world.", { long: true });
    wasLost = false;
    loadCatalogue();
  } else if (state === "lost" || state === "full") {
    if (!wasLost) {
      ui.announce(state === "full" ? "The server is full. Waiting for a place." : "Connection lost. Reconnecting.");
    }
    wasLost = true;
    if (recorder.isRecording) recorder.end(newest?.frame ?? 0);
  }
  showState(detail);
  if (state === "live") controls.catchUp();
}

function frameArrived(message) {
  stage.show(message, (frame, now) => {
    connection.ack(frame.frame);
    stage.showAction(frame);
    stats.drawn(frame, now);
    const isFirst = newest === null;
    newest = frame;
    if (isFirst) showState();
  });
}

function eventArrived({ event, message, reason }) {
  if (event === "hello") return;
  ui.announce(message ?? reason ?? (event === "closing" ? "The server closes this world." : `Server: ${event}`));
}

function setPaused(on) {
  if (connection.state !== "live" || connection.paused === on) return;
  connection.paused = on;
  if (on) pointer.release();
  else stats.ignoreActionsTo(lastSeq);
  showState();
  if (!on) controls.catchUp();
  ui.announce(on ? "Paused" : "Playing");
}

async function toggleFullscreen() {
  if (document.fullscreenElement) {
    await document.exitFullscreen();
    return;
  }
  try {
    await document.querySelector(".world").requestFullscreen();
    // Where the browser allows it, Ctrl+W then sprints instead of closing the tab.
    await navigator.keyboard?.lock?.(["KeyW", "KeyA", "KeyS", "KeyD", "ControlLeft", "ControlRight"]);
  } catch {
    if (!document.fullscreenElement) ui.announce("This browser does not allow full screen here.");
  }
}

async function captureMouse() {
  stage.element.focus({ preventScroll: true });
  if (!(await pointer.capture())) ui.announce("The mouse cannot be captured now; drag the picture to look.");
}

const commands = {
  pause: () => setPaused(!connection.paused),
  undo: () => {
    connection.undo(UNDO_SECONDS);
    ui.announce("Two seconds back");
  },
  reset: () => {
    connection.reset();
    ui.announce("The world starts again");
  },
  branch: () => {
    if (!connection.session) return;
    // The other tab goes on from here by itself; this one too.
    const address = new URL(location.href);
    address.hash = new URLSearchParams({ branch: connection.session.id }).toString();
    if (api.accessToken) address.searchParams.set("token", api.accessToken);
    open(address, "_blank");
    ui.announce("A branch of this world is in a new tab");
  },
  record: () => {
    if (recorder.isRecording) recorder.end(newest?.frame ?? 0);
    else if (connection.session && newest) recorder.begin(connection.session.id, newest.frame);
  },
  fullscreen: toggleFullscreen,
  mouse: () => (pointer.isCaptured ? pointer.release() : captureMouse()),
  help: () => {
    pointer.release();
    controls.releaseAll();
    byId("help").showModal();
  },
};

function run(command) {
  play();
  commands[command]();
}

for (const button of document.querySelectorAll("[data-command]")) {
  button.addEventListener("click", ({ detail }) => {
    const { command } = button.dataset;
    // After a click of the mouse, Space jumps again instead of pressing the button.
    if (detail > 0 && command !== "help") stage.element.focus({ preventScroll: true });
    commands[command]();
  });
}

byId("veil-button").addEventListener("click", () => {
  stage.element.focus({ preventScroll: true });
  if (connection.state === "failed" || connection.state === "over") connection.open(starts.start);
  else if (connection.paused) setPaused(false);
  else {
    play();
    if (!document.documentElement.classList.contains("has-touch")) captureMouse();
  }
});

listenToKeyboard(controls, look, run);
listenToTouch(byId("deck"), controls);
listenToGamepad(controls, look, run, ui.announce);
pointer.drag(document.querySelector(".look-pad"), controls, look);
stage.element.addEventListener("pointerdown", ({ target }) => target.closest("button") ?? play());

ui.bindSetting("sensitivity", (value) => {
  sensitivity = value;
  ui.setText("sensitivity-value", `${value.toFixed(1)}\u00d7`);
});
ui.bindSetting("speed", (percent) => {
  connection.speed = percent >= 100 ? 0 : ((model?.fps ?? 16) * percent) / 100;
  ui.setText("speed-value", `${percent} %`);
});
ui.bindSetting("crisp", (on) => stage.element.classList.toggle("crisp", on));
ui.bindSetting("show-keys", (on) => stage.element.classList.toggle("no-keys", !on));

// Nobody looks: the world need not cost anything.
document.addEventListener("visibilitychange", () => {
  if (document.hidden && !connection.paused && connection.state === "live" && !recorder.isRecording) {
    hiddenPause = true;
    connection.paused = true;
  } else if (!document.hidden && hiddenPause) {
    hiddenPause = false;
    stats.ignoreActionsTo(lastSeq);
    connection.paused = false;
  }
  showState();
});
addEventListener("pagehide", () => connection.close());
addEventListener("pageshow", ({ persisted }) => persisted && connection.open(starts.start));

let countBefore = 0;
setInterval(() => {
  if (document.hidden) return;
  const fps = stats.fps();
  ui.showNumbers(fps, stats.latency(), stats.modelMs);
  graph.add(fps, stats.count > countBefore ? stats.latest : null);
  countBefore = stats.count;
  if (recorder.isRecording) ui.showRecordTime((performance.now() - recorder.startedAt) / 1000);
}, NUMBERS_MS);

/** For tests and benchmarks. */
window.microworld = {
  stats: () => ({
    frames: stats.frames,
    fps: stats.fps(),
    latency_ms: stats.latency(),
    action: newest === null ? null : describeKeys(newest.keys),
    session: connection.session?.id ?? null,
    state: connection.state,
    frame: newest?.frame ?? null,
    look: newest === null ? null : { pitch: newest.pitch, yaw: newest.yaw },
    model_ms: stats.modelMs,
    queue_ms: stats.queueMs,
  }),
  clear: () => stats.clear(),
};

async function loadCatalogue() {
  const [models, pictures] = await Promise.all([api.models(), api.starts()]).catch(() => [[], []]);
  if (models.length === 0 || model) return;
  model = models[0];
  ui.showModel(model);
  starts.size = model;
  byId("caption-field").hidden = !model.reads_captions;
  starts.fill(pictures);
  byId("speed").dispatchEvent(new Event("input"));  // its percentage is one of the model's rate
}

/** Where this page begins: in another page's world, if it was opened as a branch of it. */
async function begin() {
  await loadCatalogue();
  const parent = new URLSearchParams(location.hash.slice(1)).get("branch");
  if (parent) history.replaceState(null, "", location.pathname + location.search);
  await connection.open(starts.start, parent ? { session: parent } : null);
}

showState();
begin();
