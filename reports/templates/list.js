/** Which clips are listed and in which order; clips are built when they come near the window. */
class List {
  constructor(node) {
    this.node = node;
    this.clips = [...node.children];
    this.index = JSON.parse(document.getElementById("index").textContent);
    this.near = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const clip = byNode.get(entry.target);
        if (entry.isIntersecting) clip.build(); else clip.drop();
      }
    }, { rootMargin: "500px 0px" });
    for (const clip of this.clips) {
      byNode.set(clip, new Clip(clip));
      this.near.observe(clip);
    }
    for (const name of ["order", "end", "row", "identity", "pose", "status"]) {
      const select = document.getElementById(name);
      this[name] = select;
      select?.addEventListener("change", () => this.update());
    }
    document.getElementById("picks").hidden = false;
    this.update();
  }

  update() {
    const shown = this.clips.filter((clip) => this.passes(clip.dataset));
    for (const clip of this.clips) clip.hidden = !shown.includes(clip);
    for (const clip of byNode.values()) if (clip.node.hidden) clip.pause();
    this.node.append(...[...this.clips].sort((one, two) => this.compare(one, two)));
    const count = document.getElementById("count");
    count.textContent = `${shown.length} of ${this.clips.length} ${this.clips.length === 1 ? "clip" : "clips"}`;
  }

  passes({ identity, pose, status }) {
    const statuses = status.split(" ");
    const wanted = this.status?.value;
    const told = !wanted || (wanted === "ok" ? status === "ok" : wanted === "failed" ? status !== "ok" : statuses.includes(wanted));
    return told && (!this.identity?.value || this.identity.value === identity) && (!this.pose?.value || this.pose.value === pose);
  }

  compare(one, two) {
    const number = (clip) => Number(clip.id.split("-")[1]);
    const column = this.index.columns[(this.order?.selectedIndex ?? 0) - 1];
    if (!column) return number(one) - number(two);
    const value = (clip) => this.index.values[clip.id][this.row.selectedIndex][this.order.selectedIndex - 1];
    const [a, b] = [value(one), value(two)];
    if (a === null || b === null) return (a === null) - (b === null) || number(one) - number(two);
    const worst = column.direction === "higher" ? a - b : b - a;
    return (this.end.value === "worst" ? worst : -worst) || number(one) - number(two);
  }
}
