/** Light, dark, or what the system says; remembered where the browser lets a local file remember. */
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
