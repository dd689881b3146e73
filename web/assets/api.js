// SPDX-License-Identifier: Apache-2.0
// The HTTP side of the server.

// A server that is not on this machine wants a token; it comes with the address of the page.
const query = new URLSearchParams(location.search);
const fragment = new URLSearchParams(location.hash.slice(1));
export const accessToken = query.get("token") ?? fragment.get("token");

/** The server answered, and the answer is no. */
export class ServerError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }

  get isFull() {
    return this.status === 503 || this.status === 429;
  }
}

export function withToken(url) {
  if (!accessToken || /[?&]token=/.test(url)) return url;
  return `${url}${url.includes("?") ? "&" : "?"}token=${encodeURIComponent(accessToken)}`;
}

function headers(extra = {}) {
  return accessToken ? { ...extra, Authorization: `Bearer ${accessToken}` } : extra;
}

function errorText(body, status) {
  const error = body?.error?.message ?? body?.error ?? body?.message;
  return typeof error === "string" ? error : `the server answered ${status}`;
}

async function request(path, { method = "GET", body, timeoutMs = 15000, keepalive = false } = {}) {
  const response = await fetch(path, {
    method,
    keepalive,
    cache: "no-store",
    headers: headers(body === undefined ? {} : { "Content-Type": "application/json" }),
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!response.ok) {
    throw new ServerError(response.status, errorText(await response.json().catch(() => null), response.status));
  }
  return response;
}

async function json(path, options) {
  return (await request(path, options)).json();
}

export const models = async () => (await json("/v1/models")).models ?? [];
export const starts = async () => (await json("/v1/starts")).starts ?? [];
export const healthy = async () => (await request("/healthz", { timeoutMs: 4000 })).ok;

/** start: {image, caption, seed, pitch}; the first frame of a large model can take a while. */
export const createSession = (start) =>
  json("/v1/sessions", { method: "POST", body: { start }, timeoutMs: 60000 });

export const resetSession = (id, start) =>
  request(`/v1/sessions/${id}/reset`, { method: "POST", body: { start }, timeoutMs: 60000 });

/** Lets the place on the server go at once; works while the page closes. Never fails. */
export const deleteSession = (id) =>
  request(`/v1/sessions/${id}`, { method: "DELETE", keepalive: true, timeoutMs: 3000 }).catch(() => {});

/** Does the server keep a video of the session? */
export async function hasRecording() {
  try {
    const paths = Object.keys((await json("/openapi.json")).paths ?? {});
    return paths.some((path) => path.endsWith("/recording.mp4"));
  } catch {
    return false;
  }
}

/** The frames first..last of a session as an mp4. */
export async function recording(id, first, last) {
  const path = `/v1/sessions/${id}/recording.mp4?from=${first}&to=${last}`;
  return (await request(path, { timeoutMs: 300000 })).blob();
}

export function streamAddress(path) {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
