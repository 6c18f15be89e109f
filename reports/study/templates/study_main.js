const study = JSON.parse(document.getElementById("study").textContent);
const items = new Map(study.items.map((item) => [item.id, item]));
const answers = new Answers(study);
const part = (name) => document.getElementById(name);
const RATING = [1, 2, 3, 4, 5].map((value) => [value, String(value)]);
const PAIR = [[-1, "A is better"], [0, "no difference"], [1, "B is better"]];
let began = 0;

function shown() { return [part("first"), part("second")].filter((video) => video.getAttribute("src")); }

/** One group of choices for every aspect; nothing can be chosen before the videos were seen. */
function form(choices) {
  part("form").replaceChildren(...study.aspects.map((aspect) => {
    const group = document.createElement("fieldset");
    group.disabled = true;
    const title = document.createElement("legend");
    title.textContent = aspect;
    group.append(title, ...choices.map(([value, text]) => {
      const label = document.createElement("label");
      const input = document.createElement("input");
      Object.assign(input, { type: "radio", name: aspect, value: String(value) });
      label.append(input, ` ${text}`);
      return label;
    }));
    return group;
  }));
}

function ask() {
  const next = answers.next;
  part("intro").hidden = true;
  part("question").hidden = !next;
  part("end").hidden = Boolean(next);
  part("progress").textContent = next ? `${answers.data.answers.length + 1} of ${answers.data.order.length}` : "done";
  for (const video of [part("first"), part("second")]) { video.pause(); video.removeAttribute("src"); video.load(); }
  if (!next) { part("thanks").focus(); return; }
  const item = items.get(next.id);
  const pair = item.videos.length === 2;
  const videos = next.swapped ? [...item.videos].reverse() : item.videos;
  part("task").textContent = pair ? "Which of the two is better?" : "How good is this video, from 1 (bad) to 5 (excellent)?";
  part("told").hidden = item.told === null;
  part("told").textContent = `This question checks that you are reading: watch the video, then choose ${item.told} everywhere.`;
  part("person").src = study.people[item.person];
  part("second-figure").hidden = !pair;
  part("first").nextElementSibling.hidden = !pair;
  part("first").src = `media/${videos[0]}`;
  if (pair) part("second").src = `media/${videos[1]}`;
  form(pair ? PAIR : RATING);
  part("watch").hidden = false;
  part("next").disabled = true;
  part("task").focus();
  began = performance.now();
}

function play() {
  for (const video of shown()) { video.currentTime = 0; video.play(); }
}

function seen() {
  if (!shown().every((video) => video.ended)) return;
  for (const group of part("form").children) group.disabled = false;
  part("watch").hidden = true;
}

function chosen() {
  const marked = [...part("form").querySelectorAll("input:checked")];
  return Object.fromEntries(marked.map((input) => [input.name, Number(input.value)]));
}

function answer() {
  const { id, swapped } = answers.next;
  // Answers are about the item's first and second video, whichever side they were on.
  const values = Object.entries(chosen()).map(([aspect, value]) => [aspect, swapped ? 0 - value : value]);
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  answers.add({ item: id, values: Object.fromEntries(values), swapped, seconds });
  ask();
}

part("begin").addEventListener("click", ask);
part("play").addEventListener("click", play);
part("next").addEventListener("click", answer);
part("save").addEventListener("click", () => answers.save());
part("form").addEventListener("change", () => { part("next").disabled = Object.keys(chosen()).length < study.aspects.length; });
for (const video of [part("first"), part("second")]) video.addEventListener("ended", seen);
if (answers.data.answers.length) ask();
