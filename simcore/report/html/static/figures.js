// A figure says what is under the pointer or chosen by the arrow keys; the page drew it.
const figureMoves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function followFigure(figure, told, parts) {
  const items = [...figure.querySelectorAll(parts)];
  const tell = (item) => {
    if (item) told.textContent = item.querySelector("title")?.textContent ?? item.title;
  };
  let chosen = figure.querySelector("[tabindex='0']");
  const choose = (item) => {
    if (!item) return; // something else in the figure, such as what a browser lets scroll
    chosen.setAttribute("tabindex", -1);
    chosen = item;
    chosen.setAttribute("tabindex", 0);
    tell(chosen);
  };
  const itemOf = (event) => event.target.closest(parts);

  figure.addEventListener("keydown", (event) => {
    const step = figureMoves[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    const shown = items.filter((item) => item === chosen || !item.hasAttribute("hidden"));
    shown[(shown.indexOf(chosen) + step + shown.length) % shown.length].focus();
    event.preventDefault();
  });
  figure.addEventListener("focusin", (event) => choose(itemOf(event)));
  figure.addEventListener("mouseover", (event) => tell(itemOf(event) ?? chosen));
  figure.addEventListener("mouseleave", () => tell(chosen));
}

for (const [id, parts] of [["roofline", ".point, .roof"], ["network-figure", ".box"]]) {
  const figure = document.getElementById(id);
  if (figure) followFigure(figure, document.getElementById(`${id}-told`), parts);
}
for (const figure of document.querySelectorAll(".trend, .coordinates"))
  followFigure(figure, document.getElementById(`${figure.id}-told`), ".point");
performance.mark("mcusim-interactive");
