/** |model - ground truth| over every player, four times as bright. Drawn by compositing: no pixel is read. */
class Difference {
  constructor(clip) {
    this.clip = clip;
    this.truth = clip.videos.find((video) => video.closest(".player").matches(".truth"));
    this.pairs = [];
    for (const video of clip.videos) video.addEventListener("seeked", () => this.draw());
    for (const video of clip.videos) video.addEventListener("loadeddata", () => this.draw());
    this.switch();
  }

  switch() {
    for (const { canvas } of this.pairs.splice(0)) canvas.remove();
    if (!this.truth || !document.getElementById("difference")?.checked) return;
    for (const video of this.clip.videos.filter((other) => other !== this.truth)) {
      const canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${video.getAttribute("aria-label")}: difference from the ground truth`);
      canvas.addEventListener("click", () => this.clip.toggle());
      video.after(canvas);
      this.pairs.push({ video, canvas });
    }
    this.draw();
  }

  draw() {
    for (const { video, canvas } of this.pairs) {
      if (video.readyState < 2 || this.truth.readyState < 2) continue;
      if (canvas.width !== video.videoWidth) [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
      const pen = canvas.getContext("2d");
      const draw = (mode, picture) => {
        pen.globalCompositeOperation = mode;
        pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
      };
      draw("copy", this.truth);
      draw("difference", video);
      draw("lighter", canvas);
      draw("lighter", canvas);
    }
  }
}
