// Columns sort by the buttons in their headings: numbers largest first, names from A.
const sleepSwitch = document.getElementById("asleep");
const sleepCounts = () => sleepSwitch?.checked ?? false;
const compareText = new Intl.Collator("en", { numeric: true }).compare;

function sortKey(row, column) {
  const cell = row.cells[column];
  if (!cell) return "";
  const key = sleepCounts() ? cell.dataset.w ?? cell.dataset.v : cell.dataset.v;
  return key === undefined ? cell.textContent : Number(key);
}

function sortTable(heading, again = false) {
  const table = heading.closest("table");
  const column = heading.cellIndex;
  const numeric = heading.classList.contains("n");
  const before = heading.getAttribute("aria-sort");
  const first = numeric ? "descending" : "ascending";
  const second = numeric ? "ascending" : "descending";
  const direction = again ? before : before === first ? second : first;
  for (const other of heading.parentNode.cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", direction);
  const sign = direction === "ascending" ? 1 : -1;
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [sortKey(row, column), row]);
  keyed.sort(([a], [b]) => sign * (typeof a === "number" ? a - b : compareText(a, b)));
  body.append(...keyed.map(([, row]) => row));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("thead th button");
  if (button) sortTable(button.closest("th"));
});

// With sleep counted, or without, other rows are the largest.
sleepSwitch?.addEventListener("change", () => {
  document.documentElement.classList.toggle("with-sleep", sleepCounts());
  for (const heading of document.querySelectorAll("th[aria-sort]")) sortTable(heading, true);
});
