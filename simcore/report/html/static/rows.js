// Rows of tables are walked with the arrow keys, told in plain words, and copied.
const copyButton = document.createElement("button");
copyButton.type = "button";
copyButton.className = "copy";
copyButton.setAttribute("aria-label", "Copy this row");
const bodyRow = (target) => target.closest?.("table.data tbody tr");
const isShown = (row) => row.offsetParent !== null || row.getClientRects().length > 0;
const plainText = (element) => element.innerText.replace(/\s+/g, " ").trim();

function offerCopy(row) {
  if (copyButton.parentNode?.parentNode === row || document.activeElement === copyButton) return;
  copyButton.classList.remove("done");
  const cell = row.cells[0]?.tagName === "TH" ? row.cells[0] : row.cells[row.cells.length - 1];
  cell?.classList.add("copies");
  cell?.append(copyButton);
}

// A spreadsheet would take a name that begins so for a formula, as OWASP says ("CSV Injection").
const harmless = (cell, text) =>
  !cell.classList.contains("n") && /^[=+\-@]/.test(text) ? `'${text}` : text;

// Headings, then the row, with tabs between cells, as spreadsheets paste it.
function rowText(row) {
  const headings = row.closest("table").tHead.rows[0].cells;
  const lines = [[], []];
  [...row.cells].forEach((cell, column) => {
    const text = plainText(cell);
    const heading = row.cells.length === headings.length ? headings[column] : undefined;
    const name = heading?.querySelector("button")?.firstChild.textContent ?? heading?.innerText ?? "";
    if (!text && !name) return;
    lines[0].push(name.trim());
    lines[1].push(harmless(cell, text));
  });
  return `${lines.map((cells) => cells.join("\t")).join("\n")}\n`;
}

// The event works in pages that were opened from a file, where there may be no clipboard to ask.
function copyText(text) {
  let done = false;
  const put = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    done = true;
  };
  document.addEventListener("copy", put, { once: true });
  document.execCommand("copy");
  document.removeEventListener("copy", put);
  if (!done) navigator.clipboard?.writeText(text).catch(() => {});
}

function copyRow(row) {
  copyText(rowText(row));
  offerCopy(row);
  copyButton.classList.add("done");
  foundText.textContent = "row copied";
}

function tellRow(row) {
  const told = row.closest(".sheet")?.querySelector(".told");
  if (told && row.dataset.told) told.textContent = row.dataset.told;
}

// One row of each table is a stop of the Tab key.
function setStop(row) {
  for (const other of row.closest("tbody").querySelectorAll("tr[tabindex='0']")) other.tabIndex = -1;
  row.tabIndex = 0;
}

function focusRow(row) {
  if (!row) return;
  row.tabIndex = -1; // rows can be focused from here on: the page is read sooner without
  row.focus();
}

const rowSteps = { ArrowDown: 1, ArrowUp: -1 };

document.addEventListener("keydown", (event) => {
  const row = bodyRow(event.target);
  if (!row || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.target !== row) return;
  if (rowSteps[event.key]) {
    const rows = [...row.parentNode.rows].filter(isShown);
    focusRow(rows[rows.indexOf(row) + rowSteps[event.key]]);
  } else if (event.key === "Enter" || event.key === "c") {
    copyRow(row);
  } else {
    return;
  }
  event.preventDefault();
});
document.addEventListener("focusin", (event) => {
  const row = bodyRow(event.target);
  if (!row) return;
  if (event.target === row) setStop(row);
  offerCopy(row);
  tellRow(row);
});
document.addEventListener("mouseover", (event) => {
  const part = event.target.closest?.(".stack i, .track i");
  if (part) part.title = tellPart(part);
  const row = bodyRow(event.target);
  if (!row) return;
  offerCopy(row);
  tellRow(row);
});
copyButton.addEventListener("click", () => copyRow(copyButton.closest("tr")));

// What a part of a bar says, with what its word means: the tables of causes and components have it.
function tellPart(part) {
  if (part.title.includes("\n")) return part.title;
  const table = document.getElementById(part.closest(".components") ? "components" : "causes");
  const word = `.swatch.${part.className.split(" ")[0]}`;
  const told = table?.querySelector(word)?.closest("tr").dataset.told ?? "";
  return told ? `${part.title}\n${told}` : part.title;
}

for (const body of document.querySelectorAll("table.data tbody"))
  if (body.rows.length) body.rows[0].tabIndex = 0;
