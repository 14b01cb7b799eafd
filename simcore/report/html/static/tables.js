// Columns sort by the buttons in their headings: numbers largest first, names from A.
const compareText = new Intl.Collator("en", { numeric: true }).compare;

function sortKey(row, column) {
  const cell = row.cells[column];
  if (!cell) return "";
  return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
}

function sortTable(heading) {
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const numeric = heading.classList.contains("n");
  const before = heading.getAttribute("aria-sort");
  const first = numeric ? "descending" : "ascending";
  const second = numeric ? "ascending" : "descending";
  const direction = before === first ? second : first;
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [sortKey(row, column), row]);
  keyed.sort(([a], [b]) => sign * (typeof a === "number" ? a - b : compareText(a, b)));
  body.append(...keyed.map(([, row]) => row));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("thead th button");
  if (button) sortTable(button.closest("th"));
});
