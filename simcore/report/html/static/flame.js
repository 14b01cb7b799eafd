// The flame graph: an icicle of the call tree. A node is [parent, name, then per run: calls, own
// cycles, own fJ, cycles with callees, fJ with callees], in depth-first order.
const flameElement = document.getElementById("frames");
const flame = JSON.parse(document.getElementById("flame-data").textContent);
const ROW_PX = 21;
const NARROWEST = 0.0008; // of the width: what is narrower is not drawn
const LABELLED = 0.012; // what is narrower gets no name
const told = document.getElementById("told");
const resetButton = document.getElementById("flame-reset");
const differential = flame.runs === 2;
const operations = new Set(flame.operations);
const sleeping = new Set(flame.sleep);
const newest = 2 + 5 * (flame.runs - 1); // column of the newest run's first value
const frames = [];
const depths = [];
let zoomed = 0;
let selected = 0;
let matching = new Set(); // frames that the filter finds
let kept = null; // those with what leads to them and what they call, null without a filter
let drawn = new Map();
let metric = 0; // 0 cycles, 1 energy

const calls = (node, run) => node[(run === 0 ? 2 : newest)];
const own = (node, run) => node[(run === 0 ? 2 : newest) + 1 + metric];
const isSleep = (node) => sleeping.has(node[1]);
const nameOf = (node) => flame.names[node[1]];

// Per run what a frame slept, as cycles and fJ: it has no width until sleep is counted.
const slept = new Map();
function sleptIn(node, run) {
  return slept.get(node)?.[run][metric] ?? 0;
}
for (const sleeper of flame.nodes.filter(isSleep)) {
  for (let node = sleeper; node; node = flame.nodes[node[0]]) {
    if (!slept.has(node)) slept.set(node, [[0, 0], [0, 0]]);
    slept.get(node).forEach((sums, run) => {
      const at = (run === 0 ? 2 : newest) + 3;
      sums[0] += sleeper[at];
      sums[1] += sleeper[at + 1];
    });
  }
}
const whole = (node, run) =>
  node[(run === 0 ? 2 : newest) + 3 + metric] - (sleepCounts() ? 0 : sleptIn(node, run));
const width = (node) => whole(node, 1);

for (const [index, node] of flame.nodes.entries()) {
  frames.push({ children: [] });
  depths.push(node[0] < 0 ? 0 : depths[node[0]] + 1);
  if (node[0] >= 0) frames[node[0]].children.push(index);
}

function energyText(femtojoules) {
  const units = ["fJ", "pJ", "nJ", "µJ", "mJ", "J"];
  let value = femtojoules;
  let unit = 0;
  while (Math.abs(value) >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toPrecision(3) : value} ${units[unit]}`;
}

const amount = (value) => (metric ? energyText(value) : `${value.toLocaleString("en")} cycles`);
const signed = (value) => (value > 0 ? "+" : "-") + amount(Math.abs(value));
const percentText = (part, all) => (all ? `${((100 * part) / all).toFixed(1)} %` : "–");

function describe(index) {
  const node = flame.nodes[index];
  const all = width(flame.nodes[0]);
  let text = `${nameOf(node)}: ${amount(width(node))}, ${percentText(width(node), all)} of ${slept.size && !sleepCounts() ? "the run awake" : "the run"}`;
  if (isSleep(node)) return text;
  if (index && frames[index].children.length) text += `, ${amount(own(node, 1))} of its own`;
  if (!differential) text += `, ${(100 * flame.stalls[index]).toFixed(0)} % of it stalls`;
  const called = calls(node, 1);
  if (index) text += `, ${called.toLocaleString("en")} call${called === 1 ? "" : "s"}`;
  if (differential) {
    const before = whole(node, 0);
    const change = width(node) - before;
    if (!before) text += "; new";
    else if (!change) text += "; unchanged";
    else text += `; ${signed(change)} (${change > 0 ? "+" : "-"}${percentText(Math.abs(change), before)}) from ${amount(before)}`;
  }
  return text;
}

// Colour: how much of the cycles are stalls, or how the frame changed.
function color(index) {
  const node = flame.nodes[index];
  if (differential) {
    const change = width(node) - whole(node, 0);
    const share = Math.min(1, Math.abs(change) / (0.1 * Math.max(1, whole(flame.nodes[0], 0))));
    const part = change ? 15 + 85 * Math.sqrt(share) : 0;
    const end = change > 0 ? "worse" : "better";
    return `color-mix(in oklab, var(--frame-${end}) ${part.toFixed(0)}%, var(--frame-even))`;
  }
  if (operations.has(node[1])) return "var(--frame-op)";
  const stalls = Math.min(100, 200 * flame.stalls[index]).toFixed(0); // full at a half
  return `color-mix(in oklab, var(--frame-hot) ${stalls}%, var(--frame-cold))`;
}

function addFrame(index, left, part) {
  const node = flame.nodes[index];
  const element = document.createElement("div");
  element.className = "frame";
  if (operations.has(node[1])) element.classList.add("operation");
  if (part < LABELLED) element.classList.add("narrow");
  else element.textContent = nameOf(node);
  if (matching.has(index)) element.classList.add("matches");
  element.style.cssText =
    `left:${100 * left}%;width:${100 * part}%;top:${ROW_PX * depths[index]}px`;
  if (isSleep(node)) element.classList.add("c-sleep");
  else element.style.background = color(index);
  element.tabIndex = -1;
  element.dataset.node = index;
  element.title = describe(index);
  element.setAttribute("role", "treeitem");
  element.setAttribute("aria-level", depths[index] + 1);
  element.setAttribute("aria-label", describe(index));
  if (frames[index].children.length) element.setAttribute("aria-expanded", "true");
  drawn.set(index, element);
  return element;
}

function drawFlame() {
  drawn = new Map();
  const elements = [];
  let deepest = 0;
  const path = [];
  for (let at = zoomed; at >= 0; at = flame.nodes[at][0]) path.unshift(at);
  for (const above of path.slice(0, -1)) elements.push(addFrame(above, 0, 1));
  const stack = [[zoomed, 0, 1]];
  while (stack.length) {
    const [index, left, part] = stack.pop();
    elements.push(addFrame(index, left, part));
    deepest = Math.max(deepest, depths[index]);
    const all = width(flame.nodes[index]);
    let at = left;
    const below = [];
    for (const child of frames[index].children) {
      const share = all ? (part * width(flame.nodes[child])) / all : 0;
      if (share >= NARROWEST && (!kept || kept.has(child))) below.push([child, at, share]);
      at += share;
    }
    stack.push(...below.reverse());
  }
  flameElement.replaceChildren(...elements);
  flameElement.style.height = `${ROW_PX * (deepest + 1) + 2}px`;
  resetButton.disabled = zoomed === 0;
  select(drawn.has(selected) ? selected : zoomed, false);
}

function select(index, focus) {
  const before = drawn.get(selected);
  if (before) {
    before.tabIndex = -1;
    before.removeAttribute("aria-selected");
  }
  selected = index;
  const element = drawn.get(index);
  if (!element) return;
  element.tabIndex = 0;
  element.setAttribute("aria-selected", "true");
  if (focus) element.focus();
  told.textContent = describe(index);
}

function zoom(index, focus) {
  zoomed = index;
  selected = index;
  drawFlame();
  if (focus) drawn.get(index).focus();
}

function neighbour(step) {
  const siblings = selected ? frames[flame.nodes[selected][0]].children : [0];
  const shown = siblings.filter((child) => drawn.has(child));
  return shown[shown.indexOf(selected) + step];
}

const moves = {
  ArrowUp: () => flame.nodes[selected][0],
  ArrowDown: () => frames[selected].children.find((child) => drawn.has(child)),
  ArrowLeft: () => neighbour(-1),
  ArrowRight: () => neighbour(1),
  Home: () => 0,
};

flameElement.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (moves[event.key]) {
    const next = moves[event.key]();
    if (next !== undefined && next >= 0) select(next, true);
  } else if (event.key === "Enter" || event.key === " ") {
    zoom(selected, true);
  } else if (event.key === "Escape" || event.key === "Backspace") {
    zoom(0, true);
  } else {
    return;
  }
  event.preventDefault();
});
flameElement.addEventListener("click", (event) => {
  const element = event.target.closest(".frame");
  if (element) zoom(Number(element.dataset.node), true);
});
flameElement.addEventListener("mouseover", (event) => {
  const element = event.target.closest(".frame");
  if (element) told.textContent = describe(Number(element.dataset.node));
});
flameElement.addEventListener("mouseleave", () => { told.textContent = describe(selected); });
flameElement.addEventListener("focusin", (event) => {
  const element = event.target.closest(".frame");
  if (element) select(Number(element.dataset.node), false);
});
resetButton.addEventListener("click", () => zoom(0, false));
for (const choice of document.querySelectorAll("input[name=metric]")) {
  choice.addEventListener("change", () => {
    metric = choice.value === "energy" ? 1 : 0;
    drawFlame();
  });
}
document.addEventListener("mcusim:filter", (event) => {
  const words = event.detail;
  const finds = (node) => words.every((word) => nameOf(node).toLowerCase().includes(word));
  matching = new Set();
  kept = words.length ? new Set() : null;
  if (kept) {
    for (const [index, node] of flame.nodes.entries()) {
      if (index && width(node) && finds(node)) matching.add(index);
      if (matching.has(index) || kept.has(node[0])) kept.add(index);
    }
    for (const index of matching)
      for (let at = index; at >= 0; at = flame.nodes[at][0]) kept.add(at);
    if (matching.size && !kept.has(zoomed)) zoomed = 0;
  }
  drawFlame();
});
sleepSwitch?.addEventListener("change", drawFlame);
drawFlame();
