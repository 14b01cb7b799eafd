// One box filters the rows of all tables and charts: every word must stand somewhere in the row.
const searchBox = document.getElementById("search");
const foundText = document.getElementById("found");
const ITEMS = "table.data tbody tr, .bars .row, .box, #roofline .point, #roofline .roof, #warnings li";
const HOLDERS = ".sheet, .listing-wrap, figure, main details, main section";
let searchable = null; // [element, its text] in the order of the page, read at the first search
let before = null; // where the page was and what was closed before a search
let wantedWords = "";
let scrolledTo = 0; // when the box was entered: browsers scroll as one types in it

function itemText(item) {
  if (item instanceof HTMLTableRowElement) {
    // A function's name finds all that is told of it.
    const hot = item.closest("details")?.querySelector("summary code")?.textContent ?? "";
    return [hot, ...[...item.cells].map((cell) => cell.textContent)].join(" ");
  }
  const told = item.title || item.querySelector("title")?.textContent;
  return told || (item.querySelector(".name") ?? item).textContent;
}

// What holds items is hidden when none of them is left, and what stands above it, too.
function hideEmpty() {
  const left = new Set();
  const empty = new Set();
  for (const [item] of searchable) {
    const into = item.hasAttribute("hidden") ? empty : left;
    const holder = (of) => of.parentNode.closest(HOLDERS);
    for (let at = holder(item); at && !into.has(at); at = holder(at)) into.add(at);
  }
  for (const holder of new Set([...left, ...empty])) {
    holder.hidden = !left.has(holder);
    const around = holder.parentNode;
    if (around.classList.contains("pair"))
      around.classList.toggle("half", [...around.children].some((each) => each.hidden));
    let above = holder.previousElementSibling;
    for (; above?.matches("h3, h3 + .note"); above = above.previousElementSibling)
      above.hidden = holder.hidden;
  }
}

function show(item, visible) {
  item.toggleAttribute("hidden", !visible);
  if (!item.matches(".point")) return;
  const points = [...document.querySelectorAll("#roofline .point")]; // their names are in this order
  document.querySelectorAll("#roofline .name")[points.indexOf(item)]
    .toggleAttribute("hidden", !visible);
}

function search() {
  const words = searchBox.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.join(" ") === wantedWords) return;
  wantedWords = words.join(" ");
  searchable ??= [...document.querySelectorAll(ITEMS)].map((each) => [each, itemText(each).toLowerCase()]);
  const closed = [...document.querySelectorAll("details:not(.fold):not([open])")];
  before ??= { at: scrolledTo, closed };
  let found = 0;
  let all = 0;
  let first = null;
  for (const [item, text] of searchable) {
    const matches = words.every((word) => text.includes(word));
    show(item, matches);
    if (matches) first ??= item;
    if (!(item instanceof HTMLTableRowElement)) continue;
    all += 1;
    if (matches) found += 1;
  }
  document.documentElement.classList.toggle("filtering", words.length > 0);
  document.dispatchEvent(new CustomEvent("mcusim:filter", { detail: words }));
  hideEmpty();
  const frames = document.getElementById("flame-graph");
  if (frames) {
    frames.hidden = words.length > 0 && !frames.querySelector(".matches");
    if (!frames.hidden && words.length) first ??= frames;
  }
  document.getElementById("nothing").hidden = first !== null || !words.length;
  foundText.textContent = words.length ? `${found} of ${all} rows` : "";
  if (words.length) {
    for (const each of closed) if (!each.hidden && each.querySelector(ITEMS)) each.open = true;
    // A row of bars has no box of its own.
    (first?.getClientRects().length ? first : first?.firstElementChild)?.scrollIntoView({ block: "center" });
  } else {
    for (const each of before.closed) each.open = false;
    scrollTo({ top: before.at });
    before = null;
  }
}

searchBox.addEventListener("input", search);
searchBox.addEventListener("focus", () => { scrolledTo = scrollY; });
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    searchBox.focus({ preventScroll: true });
    searchBox.select();
  } else if (event.key === "Escape" && event.target === searchBox) {
    searchBox.value = "";
    search();
  }
});

// A link to an annotated function opens it. Whoever wrote the link may have written anything.
function openTarget() {
  let name = location.hash.slice(1);
  try {
    name = decodeURIComponent(name);
  } catch {
    return;
  }
  const target = document.getElementById(name);
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

let closedForPrint = [];
addEventListener("beforeprint", () => {
  closedForPrint = [...document.querySelectorAll("details:not([open]):not(.fold)")];
  for (const each of closedForPrint) each.open = true;
});
addEventListener("afterprint", () => {
  for (const each of closedForPrint) each.open = false;
});
