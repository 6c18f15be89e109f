/** What a rater has answered; kept by the browser where it may, so that a closed page goes on where it was. */
class Answers {
  constructor(study) {
    this.place = `bench-study-${study.study}`;
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(this.place)); } catch { /* storage may be refused for local files */ }
    this.data = kept ?? {
      version: 1,
      study: study.study,
      rater: Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join(""),
      started: new Date().toISOString(),
      finished: null,
      order: draw(study),
      answers: [],
    };
  }

  get next() { return this.data.order[this.data.answers.length]; }

  add(answer) {
    this.data.answers.push(answer);
    if (!this.next) this.data.finished = new Date().toISOString();
    try { localStorage.setItem(this.place, JSON.stringify(this.data)); } catch { /* as above */ }
  }

  save() {
    const { order, ...kept } = this.data;
    const url = URL.createObjectURL(new Blob([JSON.stringify(kept, null, 1)], { type: "application/json" }));
    const link = document.createElement("a");
    link.href = url;
    link.download = `answers-${this.data.study}-${this.data.rater}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }
}
