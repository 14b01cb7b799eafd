// One box filters the rows of all tables: every word must stand somewhere in the row.
const searchBox = document.getElementById("search");
const foundText = document.getElementById("found");
let searchable = null; // [row, its text] of every table, read at the first search

function readRows() {
  searchable = [...document.querySelectorAll("table.data")].map((table) => [
    table,
    [...table.tBodies[0].rows].map((row) => [
      row,
      [...row.cells].map((cell) => cell.textContent).join(" ").toLowerCase(),
    ]),
  ]);
}

function search() {
  const words = searchBox.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (!searchable) readRows();
  let found = 0;
  let all = 0;
  for (const [table, rows] of searchable) {
    let here = 0;
    for (const [row, text] of rows) {
      const matches = words.every((word) => text.includes(word));
      row.hidden = !matches;
      if (matches) here += 1;
    }
    found += here;
    all += rows.length;
    table.closest(".wrap").querySelector(".none").hidden = here > 0;
    table.hidden = here === 0;
    const details = table.closest("details");
    if (words.length && here && details) details.open = true;
  }
  foundText.textContent = words.length ? `${found} of ${all} rows` : "";
  document.dispatchEvent(new CustomEvent("mcusim:filter", { detail: words }));
}

searchBox.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    searchBox.focus();
    searchBox.select();
  } else if (event.key === "Escape" && event.target === searchBox) {
    searchBox.value = "";
    search();
  }
});

// A link to an annotated function opens it.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

let closedForPrint = [];
addEventListener("beforeprint", () => {
  closedForPrint = [...document.querySelectorAll("details:not([open])")];
  for (const each of closedForPrint) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closedForPrint) each.open = false;
});
