// The body of the list's on-load function: `element`, `props`, `trigger` and `watch` are given.
const root = element.querySelector(".prism-history");
const list = root.querySelector(".entries");
let value = { entries: [], shown: 0, most: 0 };

const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function buttonOf(entry) {
  const made = make("button", "entry");
  made.type = "button";
  made.dataset.number = entry.number;
  made.setAttribute("aria-current", entry.number === value.shown);
  made.append(
    make("canvas", ""),
    make("span", "title", entry.title),
    make("span", "settings", entry.detail),
    make("span", "beside", entry.beside),
    make("span", "scores", entry.scores),
    make("span", "when", `${entry.number} · ${clock(entry.when)}`),
  );
  made.querySelector("canvas").setAttribute("aria-hidden", "true");
  made.addEventListener("click", () => trigger("recall", { number: entry.number }));
  return made;
}

function itemOf(entry) {
  const made = make("li", "");
  made.append(buttonOf(entry));
  return made;
}

function drawAll() {
  const { entries } = value;
  list.querySelectorAll("canvas").forEach((canvas, at) => paintSmall(canvas, entries[at].notes));
}

function show() {
  value = newer(value, props.value);
  const { entries, most } = value;
  root.hidden = !entries.length;
  root.querySelector(".about").textContent =
    `Up to ${most}, newest first, kept until you leave the page. Press one to go back to it. `
    + "The numbers are cosines with the real piece by the music network.";
  const focused = list.contains(document.activeElement)
    ? document.activeElement.dataset.number : "";
  list.replaceChildren(...entries.map(itemOf));
  if (focused) list.querySelector(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
  drawAll();
}

new MutationObserver(drawAll).observe(document.body, { attributeFilter: ["class"] });
watch("value", show);
show();
