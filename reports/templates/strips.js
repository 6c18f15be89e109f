const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const GAP = 255;
const number = (value, digits) => value.toFixed(digits).replace("-", "−");

/** Curves under a clip's players, with a cursor at the frame that is shown. */
class Strips {
  constructor(clip) {
    this.clip = clip;
    this.data = clip.data("strip-data");
    this.node = clip.part("strips");
    this.plots = clip.part("plots");
    this.cursor = clip.part("cursor");
    this.metric = null;
    this.select = clip.part("metric");
    this.select?.addEventListener("change", () => this.choose());
    this.plots.addEventListener("pointerdown", (event) => this.drag(event));
    this.plots.addEventListener("pointermove", (event) => { if (event.buttons & 1) this.drag(event); });
    if (this.data.yaw) this.line("turn", "yaw", this.data.yaw);
    if (this.data.sound) this.sound();
    this.choose();
  }

  /** Values 0 to 1 by frame, `null` for a gap. */
  unpack(text) {
    return Array.from(atob(text), (char) => char.charCodeAt(0)).map((level) => (level === GAP ? null : level / 254));
  }

  choose() {
    if (!this.data.metrics.length) return;
    this.metric = this.data.metrics[this.select.selectedIndex];
    this.curves = Object.entries(this.metric.lines).map(([player, text]) => [player, this.unpack(text)]);
    const svg = this.clear("values");
    for (const [player, curve] of this.curves) svg.append(this.path(curve, `s-${this.slot(player)}`));
    this.range("values", this.metric, this.metric.decimals);
    this.show(this.clip.frame);
  }

  slot(player) { return this.clip.node.querySelectorAll(".player")[Number(player)].dataset.slot; }

  clear(name) {
    const svg = this.node.querySelector(`.strip.${name}`);
    svg.replaceChildren();
    return svg;
  }

  range(name, { low, high }, digits) {
    this.node.querySelector(`.range.${name}`).textContent = `${number(low, digits)} to ${number(high, digits)}`;
  }

  line(name, kind, packed) {
    this.clear(name).append(this.path(this.unpack(packed.lines[0]), `s-ink ${kind}`));
    this.range(name, packed, 0);
  }

  sound() {
    const [low, high] = ["low", "high"].map((key) => this.unpack(this.data.sound.lines[key]));
    const steps = high.map((value, n) => `${n} ${HEIGHT * (1 - value)}H${n + 1}`);
    const back = low.map((value, n) => `${n + 1} ${HEIGHT * (1 - value)}H${n}`).reverse();
    this.clear("sound").append(this.shape(`M${steps.join("L")}L${back.join("L")}Z`, "f-muted", low.length));
  }

  /** A curve that breaks where a frame has no value; one value alone is a short dash. */
  path(curve, name) {
    let open = false;
    const parts = curve.map((value, n) => {
      if (value === null) { open = false; return ""; }
      const y = (HEIGHT * (1 - value)).toFixed(1);
      const alone = !open && (curve[n + 1] ?? null) === null;
      const part = `${open ? "L" : "M"}${n + 0.5} ${y}${alone ? "h0.4" : ""}`;
      open = true;
      return part;
    });
    return this.shape(parts.join(""), name, curve.length);
  }

  shape(d, name, frames) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    path.setAttribute("class", name);
    path.setAttribute("transform", `scale(${1000 / frames} 1)`);
    return path;
  }

  show(frame) {
    this.cursor.style.left = `${(100 * (frame + 0.5)) / this.clip.frames}%`;
    if (!this.metric) return;
    const { low, high, decimals } = this.metric;
    const players = this.clip.node.querySelectorAll(".player .now");
    for (const node of players) node.textContent = "–";
    for (const [player, curve] of this.curves) {
      const value = curve[frame] ?? null;
      players[Number(player)].textContent = value === null ? "–" : number(low + value * (high - low), decimals);
    }
    for (const node of this.clip.node.querySelectorAll(".player .now-name")) node.textContent = this.metric.name;
  }

  drag(event) {
    const box = this.plots.getBoundingClientRect();
    this.clip.pause();
    this.clip.seek(((event.clientX - box.left) / box.width) * this.clip.frames * FRAME);
  }
}
