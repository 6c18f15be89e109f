function better(direction, one, two) {
  if (one === null || two === null) return (one === null) - (two === null);
  return direction === "higher" ? two - one : one - two;
}

/** Rank the models by the column of the header that was selected; the bounds stay where they are. */
function rank(button) {
  const table = button.closest("table");
  const direction = button.dataset.direction;
  const value = (row) => {
    const text = row.cells[Number(button.dataset.column) + 1].dataset.value;
    return text === "" ? null : Number(text);
  };
  for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
  button.closest("th").setAttribute("aria-sort", direction === "higher" ? "descending" : "ascending");
  const models = table.querySelector("tbody.models");
  models.append(...[...models.rows].sort((one, two) => better(direction, value(one), value(two))));
}
