// Light or dark: what the system prefers, until the button says otherwise.
const root = document.documentElement;
const themeButton = document.getElementById("theme");
const darkPreferred = matchMedia("(prefers-color-scheme: dark)");

const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : darkPreferred.matches);

function tellTheme() {
  themeButton.textContent = isDark() ? "Light" : "Dark";
  themeButton.setAttribute("aria-label", `Use the ${isDark() ? "light" : "dark"} theme`);
}

function storedTheme(value) {
  try {
    // A page opened from a file may have no storage.
    if (value === undefined) return localStorage.getItem("mcusim-theme");
    localStorage.setItem("mcusim-theme", value);
  } catch {
    return null;
  }
  return value;
}

const stored = storedTheme();
if (stored === "dark" || stored === "light") root.dataset.theme = stored;
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  storedTheme(root.dataset.theme);
  tellTheme();
});
darkPreferred.addEventListener("change", tellTheme);
tellTheme();
