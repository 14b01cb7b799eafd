// Figures by plotly, which is unpacked once the page stands; the tables hold the same numbers.
const figures = JSON.parse(document.getElementById("figure-data").textContent);
const PRINT_PX = 680; // width of a figure on A4
const PATIENCE_MS = 1500;
let printing = false;
let themeBefore;

async function unpackPlotly() {
  const packed = document.getElementById("plotly");
  const bytes = Uint8Array.from(atob(packed.textContent), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = document.createElement("script");
  script.textContent = await new Response(stream).text();
  document.head.append(script); // runs now
  script.remove();
  packed.remove();
}

function withColors(value, style) {
  if (Array.isArray(value)) return value.map((each) => withColors(each, style));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withColors(v, style)]));
  }
  const named = typeof value === "string" && /^var\((--[\w-]+)\)$/.exec(value);
  return named ? style.getPropertyValue(named[1]).trim() : value;
}

function layoutOf(figure, element) {
  const narrow = element.clientWidth < 560;
  const base = {
    autosize: !printing,
    font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "var(--ink)" },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 10, r: 10, t: 10, b: 10 },
    hoverlabel: { bgcolor: "var(--raised)", bordercolor: "var(--line)", font: { color: "var(--ink)" } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: "var(--quiet)", activecolor: "var(--accent)" },
  };
  const axis = { gridcolor: "var(--line)", linecolor: "var(--line)", automargin: true };
  const layout = { ...base, ...figure.layout };
  for (const name of ["xaxis", "yaxis"]) layout[name] = { ...axis, ...figure.layout[name] };
  if (narrow || printing) layout.legend = { orientation: "h", x: 0, y: 1, yanchor: "bottom" };
  if (printing) layout.width = PRINT_PX;
  return layout;
}

function draw(id) {
  const element = document.getElementById(id);
  const style = getComputedStyle(root);
  if (!element.querySelector(".plot-container")) element.textContent = "";
  const figure = { data: figures[id].data, layout: layoutOf(figures[id], element) };
  const { data, layout } = withColors(figure, style);
  const config = {
    responsive: true,
    displaylogo: false,
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
  };
  return window.Plotly.react(element, data, layout, config);
}

async function drawFigures() {
  await unpackPlotly();
  for (const id of Object.keys(figures)) {
    await draw(id);
    await new Promise((resolve) => setTimeout(resolve)); // keep the page answering in between
  }
  root.dataset.figures = "drawn";
  performance.mark("mcusim-figures");
}

const redraw = () => {
  if (window.Plotly) for (const id of Object.keys(figures)) draw(id);
};
document.addEventListener("theme", redraw);
addEventListener("beforeprint", () => {
  printing = true;
  themeBefore = root.dataset.theme;
  root.dataset.theme = "light";
  redraw();
});
addEventListener("afterprint", () => {
  printing = false;
  if (themeBefore) root.dataset.theme = themeBefore;
  else delete root.dataset.theme;
  redraw();
});
tellTheme();
performance.mark("mcusim-interactive");
// When a figure comes near, or, for the printer, once the reader has had time to begin.
if (Object.keys(figures).length) {
  const idle = window.requestIdleCallback ?? setTimeout;
  const near = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) start();
  }, { rootMargin: "400px" });
  let started = false;
  const start = () => {
    if (!started) idle(drawFigures);
    started = true;
    near.disconnect();
  };
  addEventListener("load", () => {
    for (const id of Object.keys(figures)) near.observe(document.getElementById(id));
    setTimeout(start, PATIENCE_MS);
  });
}
