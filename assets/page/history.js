// The body of the list's on-load function: `element`, `props`, `trigger` and `watch` are given.
const LOWEST = 28;
const HIGHEST = 96;
const FRAMES = 256;

const root = element.querySelector(".prism-history");
const list = root.querySelector(".entries");
const value = () => props.value || { entries: [], shown: 0, most: 0 };

const clock = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });

function draw(canvas, notes) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(canvas.clientHeight * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(root).getPropertyValue("--prism-prism").trim();
  const row = canvas.height / (HIGHEST - LOWEST);
  for (let at = 0; at < notes.length; at += 3) {
    const [pitch, start, end] = notes.slice(at, at + 3);
    const left = (start / FRAMES) * canvas.width;
    const width = Math.max(1, ((end - start) / FRAMES) * canvas.width);
    pen.fillRect(left, (HIGHEST - pitch) * row, width, Math.max(1.5, row));
  }
}

function buttonOf(entry) {
  const made = make("button", "entry");
  made.type = "button";
  made.dataset.number = entry.number;
  made.setAttribute("aria-current", entry.number === value().shown);
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
  const { entries } = value();
  list.querySelectorAll("canvas").forEach((canvas, at) => draw(canvas, entries[at].notes));
}

function show() {
  const { entries, most } = value();
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
