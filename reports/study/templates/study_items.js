"use strict";
/** Evenly drawn, by the browser's own generator. */
function shuffled(list) {
  const result = [...list];
  for (let n = result.length - 1; n > 0; n -= 1) {
    const other = crypto.getRandomValues(new Uint32Array(1))[0] % (n + 1);
    [result[n], result[other]] = [result[other], result[n]];
  }
  return result;
}

/** One rater's questions: checks always, of the others as many as the study asks one person; sides drawn by lot. */
function draw(study) {
  const others = shuffled(study.items.filter((item) => !item.always));
  const ratings = others.filter((item) => item.videos.length === 1).slice(0, study.ratings);
  const pairs = others.filter((item) => item.videos.length === 2).slice(0, study.pairs);
  const asked = shuffled([...ratings, ...pairs, ...study.items.filter((item) => item.always)]);
  return asked.map((item) => ({ id: item.id, swapped: item.videos.length === 2 && crypto.getRandomValues(new Uint8Array(1))[0] % 2 === 1 }));
}
