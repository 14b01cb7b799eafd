// The roofline says what is under the pointer or chosen by the arrow keys; the page drew it.
const roofline = document.getElementById("roofline");
const rooflineMoves = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

function followRoofline() {
  const items = [...roofline.querySelectorAll(".point, .roof")];
  const tell = (item) => {
    document.getElementById("roofline-told").textContent =
      item.querySelector("title").textContent;
  };
  let chosen = roofline.querySelector("[tabindex='0']");
  const choose = (item) => {
    chosen.setAttribute("tabindex", -1);
    chosen = item;
    chosen.setAttribute("tabindex", 0);
    tell(chosen);
  };
  const itemOf = (event) => event.target.closest(".point, .roof");

  roofline.addEventListener("keydown", (event) => {
    const step = rooflineMoves[event.key];
    if (!step || event.ctrlKey || event.altKey || event.metaKey) return;
    items[(items.indexOf(chosen) + step + items.length) % items.length].focus();
    event.preventDefault();
  });
  roofline.addEventListener("focusin", (event) => choose(itemOf(event)));
  roofline.addEventListener("mouseover", (event) => tell(itemOf(event) ?? chosen));
  roofline.addEventListener("mouseleave", () => tell(chosen));
}

if (roofline) followRoofline();
performance.mark("mcusim-interactive");
