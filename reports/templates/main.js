const list = document.getElementById("clip-list");
if (list) new List(list);
for (const button of document.querySelectorAll(".sort")) button.addEventListener("click", () => rank(button));
document.querySelectorAll(".theme").forEach(theme);
document.getElementById("difference")?.addEventListener("change", () => {
  for (const clip of byNode.values()) if (clip.built) clip.difference?.switch();
});
document.addEventListener("keydown", keys);
