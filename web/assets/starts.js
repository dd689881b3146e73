// SPDX-License-Identifier: Apache-2.0
// Where a world begins: the gallery, an image of one's own, the caption, the seed.

import { withToken } from "./api.js";

const LARGEST_FILE = 40e6;
const PNG_PIXELS = 200000;  // larger pictures travel as JPEG
const LARGEST_SEED = 2147483647;

/** The middle of a picture file in the world's shape, as a data URL. */
export async function readPicture(file, width, height) {
  if (!file.type.startsWith("image/")) throw new Error(`${file.name} is not a picture.`);
  if (file.size > LARGEST_FILE) throw new Error(`${file.name} is larger than 40 MB.`);
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(`${file.name} cannot be read as a picture.`);
  });
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [w, h] = [picture.width * scale, picture.height * scale];
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, (width - w) / 2, (height - h) / 2, w, h);
  picture.close();
  return width * height <= PNG_PIXELS ? canvas.toDataURL("image/png") : canvas.toDataURL("image/jpeg", 0.95);
}

/** chosen(): the player wants the world that `start` describes; failed(text). */
export class Starts {
  #gallery;
  #caption;
  #seed;
  #drop;
  #file;
  #handlers;
  #first = null;
  #image = null;
  #clips = new Set();  // ids of starts that are recorded clips
  #isChosen = false;  // until then the server says where the world begins

  constructor(form, handlers) {
    this.#gallery = form.querySelector(".gallery");
    this.#caption = form.querySelector("#caption");
    this.#seed = form.querySelector("#seed");
    this.#drop = form.querySelector(".drop");
    this.#file = form.querySelector("#picture-file");
    this.#handlers = handlers;
    this.size = { width: 176, height: 96 };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#go();
    });
    form.querySelector("#dice").addEventListener("click", () => {
      this.#seed.value = Math.floor(Math.random() * 100000);
      this.#go();
    });
    this.#listenToFiles();
  }

  /** As the server wants it; null is the server's own start. */
  get start() {
    if (!this.#isChosen) return null;
    const number = Math.trunc(Number(this.#seed.value));
    const seed = number >= 0 && number <= LARGEST_SEED ? number : 1;
    if (this.#clips.has(this.#image)) return { clip: this.#image, seed };
    return {
      image: this.#image ?? (this.#caption.value.trim() ? null : this.#first),
      caption: this.#caption.value.trim(),
      seed,
      pitch: 0,
    };
  }

  /** starts: [{id, kind, url, label}]; a clip is gone on from where it ends. */
  fill(starts) {
    for (const { id, kind, url, label } of starts) {
      if (kind === "clip") this.#clips.add(id);
      const picture = new Image();
      picture.src = withToken(url);
      picture.alt = "";
      picture.draggable = false;
      this.#add(id, label, picture);
    }
    this.#first = starts[0]?.id ?? null;
    this.#mark();
  }

  #add(id, label, picture) {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.className = "tile";
    tile.dataset.start = id;
    const name = document.createElement("span");
    name.textContent = label;
    tile.append(picture, name);
    tile.addEventListener("click", () => this.#choose(id));
    this.#gallery.insertBefore(tile, this.#drop);
    return tile;
  }

  #choose(image) {
    this.#image = image;
    this.#mark();
    this.#go();
  }

  #go() {
    this.#isChosen = true;
    this.#handlers.chosen();
  }

  #mark() {
    for (const tile of this.#gallery.querySelectorAll(".tile")) {
      tile.setAttribute("aria-pressed", String(tile.dataset.start === this.#image));
    }
  }

  async #take(file) {
    if (!file) return;
    try {
      const url = await readPicture(file, this.size.width, this.size.height);
      this.#gallery.querySelector(".tile.own")?.remove();
      const picture = new Image();
      picture.src = url;
      picture.alt = "";
      this.#add(url, "Yours", picture).classList.add("own");
      this.#choose(url);
    } catch (error) {
      this.#handlers.failed(error.message);
    }
  }

  #listenToFiles() {
    this.#drop.addEventListener("click", () => this.#file.click());
    this.#file.addEventListener("change", () => {
      this.#take(this.#file.files[0]);
      this.#file.value = "";
    });
    addEventListener("paste", ({ clipboardData }) => this.#take(clipboardData?.files[0]));
    // Anywhere on the page: nobody wants the browser to leave for the picture.
    const root = document.documentElement;
    addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.toggle("dropping", event.dataTransfer.types.includes("Files"));
    });
    addEventListener("dragleave", (event) => event.relatedTarget ?? root.classList.remove("dropping"));
    addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("dropping");
      this.#take(event.dataTransfer.files[0]);
    });
  }
}
