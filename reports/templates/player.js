"use strict";
const FRAME = 1 / 25;
const byNode = new Map();

/** One clip: built when it comes near the window; its videos run on one clock, that of the video that is heard. */
class Clip {
  constructor(node) {
    this.node = node;
    this.template = node.querySelector("template");
    this.built = false;
    this.playing = false;
    this.time = 0;
    this.videos = [];
    this.urls = [];
  }

  build() {
    if (this.built) return;
    this.built = true;
    this.node.append(this.template.content.cloneNode(true));
    this.node.style.minHeight = "";
    this.node.classList.add("built");
    this.videos = [...this.node.querySelectorAll("video")];
    if (!this.part("controls")) return;
    this.part("play").addEventListener("click", () => this.toggle());
    this.part("scrub").addEventListener("input", (event) => this.seek(Number(event.target.value) * FRAME));
    this.part("sound").addEventListener("change", () => this.route());
    this.part("speed").addEventListener("change", () => this.route());
    this.strips = this.part("strips") && new Strips(this);
    this.difference = new Difference(this);
    this.load();
  }

  /** Far out of view: give elements and decoders back, for a browser has few (Chrome about 75). */
  drop() {
    if (!this.built || this.playing || this.node.contains(document.activeElement)) return;
    this.built = false;
    this.node.style.minHeight = `${this.node.offsetHeight}px`;
    this.node.classList.remove("built");
    for (const video of this.videos) { video.removeAttribute("src"); video.load(); }
    for (const url of this.urls.splice(0)) URL.revokeObjectURL(url);
    this.videos = [];
    while (this.template.nextSibling) this.template.nextSibling.remove();
  }

  part(name) { return this.node.querySelector(`.${name}`); }
  data(name) { return JSON.parse(this.part(name).textContent); }

  get alive() { return this.videos.filter((video) => !video.error); }
  get leader() { return this.alive.find((video) => !video.muted) || this.alive[0]; }
  get speed() { return Number(this.part("speed").value); }
  /** By the clip's facts until a video has loaded. */
  get duration() {
    const known = Math.max(0, ...this.alive.map((video) => video.duration || 0));
    return known || FRAME * (Number(this.node.dataset.frames) || 1);
  }
  get frames() { return Math.max(1, Math.round(this.duration / FRAME)); }
  get frame() { return Math.min(this.frames - 1, Math.floor(this.time / FRAME + 0.01)); }

  load() {
    const sources = this.data("sources");
    for (const video of this.videos) {
      const source = sources[Number(video.dataset.player)];
      video.addEventListener("click", () => this.toggle());
      video.addEventListener("loadedmetadata", () => this.show());
      video.addEventListener("error", () => this.broken(video));
      video.preload = "auto";
      video.src = source.startsWith("data:") ? this.blob(source) : source;
      video.currentTime = this.time;
    }
    this.route();
    this.show();
  }

  /** Browsers seek in a blob at once and copy a long data URI again and again. */
  blob(uri) {
    const bytes = Uint8Array.from(atob(uri.slice(uri.indexOf(",") + 1)), (char) => char.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: "video/mp4" }));
    this.urls.push(url);
    return url;
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
    this.build();
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
    this.build();
    // The middle of a frame: at its edge, rounding makes one player show the frame before.
    const frame = Math.min(Math.max(0, Math.floor(time / FRAME + 0.01)), this.frames - 1);
    this.time = (frame + 0.5) * FRAME;
    for (const video of this.alive) video.currentTime = this.time;
    this.show();
  }

  step(frames) {
    this.pause();
    this.seek((this.frame + frames) * FRAME);
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
    this.difference.draw();
    requestAnimationFrame(() => this.tick());
  }

  /** Drift is run off by another speed, the further the faster, which nobody sees; only a large one needs a jump. */
  follow(video, time) {
    if (video.seeking || video.ended) return;
    const drift = video.currentTime - time;
    if (Math.abs(drift) > 5 * FRAME) { video.currentTime = time; return; }
    const turn = Math.abs(drift) < FRAME / 4 ? 0 : Math.max(-0.3, Math.min(0.3, 5 * drift));
    const rate = this.speed * (1 - Math.round(turn * 50) / 50);
    if (video.playbackRate !== rate) video.playbackRate = rate;
  }

  show() {
    const scrub = this.part("scrub");
    scrub.max = this.frames - 1;
    scrub.value = this.frame;
    scrub.setAttribute("aria-valuetext", `frame ${this.frame + 1} of ${this.frames}`);
    this.part("time").textContent = `${(this.frame * FRAME).toFixed(2)} s · ${this.frame + 1}/${this.frames}`;
    this.strips?.show(this.frame);
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
