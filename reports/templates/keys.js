/** The clip that plays, else the one nearest to the middle of the window. */
function current() {
  const middle = innerHeight / 2;
  const distance = (clip) => {
    const box = clip.node.getBoundingClientRect();
    return Math.max(0, box.top - middle, middle - box.bottom);
  };
  const clips = [...byNode.values()].filter((clip) => !clip.node.hidden);
  return clips.find((clip) => clip.playing) || clips.sort((one, two) => distance(one) - distance(two))[0];
}

/** To the next clip of the list, or with -1 to the one before. */
function walk(clip, way) {
  const listed = [...clip.node.parentElement.children].filter((node) => !node.hidden);
  const next = listed[listed.indexOf(clip.node) + way];
  if (!next) return;
  clip.pause();
  next.scrollIntoView({ block: "center" });
}

function press(id) {
  const box = document.getElementById(id);
  if (box) box.click();
}

function keys(event) {
  const at = event.target;
  if (event.altKey || event.ctrlKey || event.metaKey || at.matches("select, textarea, input:not(.scrub, [type=checkbox])")) return;
  const arrow = event.key.startsWith("Arrow");
  if (arrow && at.matches(".scrub, .scroll, .scroll *")) return;
  if (event.key === " " && at.matches("button, summary, a, [type=checkbox]")) return;
  const clip = at.matches(".clip *") ? byNode.get(at.closest(".clip")) : current();
  const actions = {
    " ": () => clip.toggle(),
    ArrowLeft: () => clip.step(-1),
    ArrowRight: () => clip.step(1),
    n: () => walk(clip, 1),
    p: () => walk(clip, -1),
    z: () => press("zoom"),
    d: () => press("difference"),
  };
  if (!clip || !actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
}
