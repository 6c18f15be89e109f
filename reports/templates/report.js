"use strict";
const FRAME = 1 / 25;
const MANY_VIDEOS = 48;
const byNode = new Map();

/** One clip: its videos run on one clock, that of the video whose sound is heard. */
class Clip {
  constructor(node) {
    this.node = node;
    this.videos = [...node.querySelectorAll("video")];
    this.urls = [];
    this.loaded = false;
    this.playing = false;
    this.time = 0;
    this.part = (name) => node.querySelector(`.${name}`);
    this.part("play").addEventListener("click", () => this.toggle());
    this.part("scrub").addEventListener("input", (event) => this.seek(Number(event.target.value) * FRAME));
    this.part("sound").addEventListener("change", () => this.route());
    this.part("speed").addEventListener("change", () => this.route());
    for (const video of this.videos) {
      video.addEventListener("click", () => this.toggle());
      video.addEventListener("loadedmetadata", () => this.show());
      video.addEventListener("error", () => this.broken(video));
    }
  }

  get alive() { return this.videos.filter((video) => !video.error); }
  get leader() { return this.alive.find((video) => !video.muted) || this.alive[0]; }
  get speed() { return Number(this.part("speed").value); }
  get duration() { return Math.max(FRAME, ...this.alive.map((video) => video.duration || 0)); }

  load() {
    if (this.loaded) return;
    this.loaded = true;
    const sources = JSON.parse(this.part("sources").textContent);
    for (const video of this.videos) {
      const source = sources[Number(video.dataset.player)];
      video.preload = "auto";
      video.src = source.startsWith("data:") ? this.blob(source) : source;
      video.currentTime = this.time;
    }
    this.route();
  }

  /** Browsers seek in a blob at once and copy a long data URI again and again. */
  blob(uri) {
    const bytes = Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (char) => char.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    this.urls.push(url);
    return url;
  }

  /** Far out of view: give decoders back where many are taken, for a browser has few (Chrome about 75). */
  unload() {
    const taken = [...byNode.values()].reduce((sum, clip) => sum + (clip.loaded ? clip.videos.length : 0), 0);
    if (!this.loaded || this.playing || taken <= MANY_VIDEOS) return;
    this.loaded = false;
    for (const video of this.videos) { video.removeAttribute("src"); video.load(); }
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
  }

  route() {
    const heard = this.part("sound").value;
    for (const video of this.videos) {
      video.muted = video.dataset.player !== heard;
      video.playbackRate = this.speed;
    }
  }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  async play() {
    this.load();
    for (const other of byNode.values()) if (other !== this) other.pause();
    this.mark(true);
    if (this.time >= this.duration - FRAME) this.seek(0);
    await Promise.all(this.alive.map(ready));
    if (!this.playing) return;
    await Promise.allSettled(this.alive.map((video) => video.play()));
    this.tick();
  }

  pause() {
    if (!this.playing) return;
    this.mark(false);
    for (const video of this.videos) { video.pause(); video.playbackRate = this.speed; }
    if (this.leader) this.seek(this.leader.currentTime);
  }

  mark(playing) {
    this.playing = playing;
    this.part("play").setAttribute("aria-pressed", String(playing));
    this.part("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  }

  seek(time) {
    this.load();
    // The middle of a frame: at its edge, rounding makes one player show the frame before.
    const frame = Math.min(Math.max(0, Math.floor(time / FRAME + 0.01)), Math.round(this.duration / FRAME) - 1);
    this.time = (frame + 0.5) * FRAME;
    for (const video of this.alive) video.currentTime = this.time;
    this.show();
  }

  step(frames) {
    this.pause();
    this.seek((Math.floor(this.time / FRAME) + frames) * FRAME);
  }

  tick() {
    const leader = this.leader;
    if (!this.playing || !leader) return;
    if (leader.ended) {
      if (!this.part("loop").checked) { this.pause(); return; }
      this.seek(0);
      for (const video of this.alive) video.play().catch(() => {});
    }
    this.time = leader.currentTime;
    for (const video of this.alive) if (video !== leader) this.follow(video, this.time);
    this.show();
    requestAnimationFrame(() => this.tick());
  }

  /** Small drift is run off by a slightly other speed, which nobody sees; only a large one needs a jump. */
  follow(video, time) {
    if (video.seeking || video.ended) return;
    const drift = video.currentTime - time;
    if (Math.abs(drift) > 4 * FRAME) video.currentTime = time;
    video.playbackRate = this.speed * (Math.abs(drift) < FRAME / 2 ? 1 : drift > 0 ? 0.94 : 1.06);
  }

  show() {
    const scrub = this.part("scrub");
    const last = Math.round(this.duration / FRAME) - 1;
    const frame = Math.min(last, Math.floor(this.time / FRAME + 0.01));
    scrub.max = last;
    scrub.value = frame;
    const text = `${(frame * FRAME).toFixed(2)} s · ${frame + 1}/${last + 1}`;
    scrub.setAttribute("aria-valuetext", `frame ${frame + 1} of ${last + 1}`);
    this.part("time").textContent = text;
  }

  broken(video) {
    if (!video.getAttribute("src")) return;
    const note = document.createElement("p");
    note.textContent = "the preview cannot be played";
    video.parentElement.classList.add("empty");
    video.replaceWith(note);
    this.videos = this.videos.filter((other) => other !== video);
  }
}

function ready(video) {
  if (video.readyState >= 3 || video.error) return null;
  return new Promise((resolve) => {
    for (const name of ["canplay", "error"]) video.addEventListener(name, resolve, { once: true });
  });
}

/** The clip that plays, else the one nearest to the middle of the window. */
function current() {
  const middle = innerHeight / 2;
  const distance = (clip) => {
    const box = clip.node.getBoundingClientRect();
    return Math.max(0, box.top - middle, middle - box.bottom);
  };
  const clips = [...byNode.values()];
  return clips.find((clip) => clip.playing) || clips.sort((one, two) => distance(one) - distance(two))[0];
}

function keys(event) {
  const busy = event.target.closest("input, select, button, summary, a, .scroll");
  const own = event.target.matches(".scrub") && event.key === " ";
  if (event.altKey || event.ctrlKey || event.metaKey || (busy && !own)) return;
  const clip = own ? byNode.get(event.target.closest(".clip")) : current();
  const actions = { " ": () => clip.toggle(), ArrowLeft: () => clip.step(-1), ArrowRight: () => clip.step(1) };
  if (!clip || !actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}

function better(direction, one, two) {
  if (one === null || two === null) return (one === null) - (two === null);
  return direction === "higher" ? two - one : one - two;
}

/** Rank the rows of each group (models, bounds) by the column of the header that was selected. */
function rank(button) {
  const table = button.closest("table");
  const direction = button.dataset.direction;
  const value = (row) => {
    const text = row.cells[Number(button.dataset.column) + 1].dataset.value;
    return text === "" ? null : Number(text);
  };
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  button.closest("th").setAttribute("aria-sort", direction === "higher" ? "descending" : "ascending");
  const models = table.querySelector("tbody.models");
  models.append(...[...models.rows].sort((one, two) => better(direction, value(one), value(two))));
}

function reorder(select) {
  const { columns, clips } = JSON.parse(document.getElementById("orders").textContent);
  const list = document.getElementById("clip-list");
  const number = (node) => Number(node.id.split("-")[1]);
  const column = columns[select.selectedIndex - 1];
  const value = (node) => (column ? clips[node.id][column.key] ?? null : null);
  const worst = (one, two) => {
    const [a, b] = [value(one), value(two)];
    return a === null || b === null ? better("lower", a, b) : better(column.direction, b, a);
  };
  list.append(...[...list.children].sort((one, two) => (column && worst(one, two)) || number(one) - number(two)));
}

function theme(button) {
  const names = ["auto", "light", "dark"];
  const set = (name) => {
    document.documentElement.dataset.theme = name;
    button.textContent = `Theme: ${name}`;
    try { localStorage.setItem("bench-theme", name); } catch { /* storage may be refused for local files */ }
  };
  let stored = null;
  try { stored = localStorage.getItem("bench-theme"); } catch { /* as above */ }
  set(names.includes(stored) ? stored : "auto");
  button.hidden = false;
  button.addEventListener("click", () => {
    set(names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length]);
  });
}

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const clip = byNode.get(entry.target);
    if (entry.isIntersecting) clip.load(); else clip.unload();
  }
}, { rootMargin: "600px 0px" });

for (const node of document.querySelectorAll(".clip")) {
  if (!node.querySelector(".controls")) continue;
  byNode.set(node, new Clip(node));
  near.observe(node);
}
byNode.values().next().value?.load();
for (const button of document.querySelectorAll(".sort")) button.addEventListener("click", () => rank(button));
for (const select of document.querySelectorAll("#order")) {
  select.parentElement.hidden = false;
  select.addEventListener("change", () => reorder(select));
}
document.querySelectorAll(".theme").forEach(theme);
document.addEventListener("keydown", keys);
