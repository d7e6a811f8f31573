// The body of the strip's on-load function: `element`, `props`, `trigger` and `watch` are given.
const SHORT = { real: "real piece", training: "training", network: "network" };
const PRISM = ".prism-from-prism";

const root = element.querySelector(".prism-takes");
const part = (name) => root.querySelector(name);
const value = () => props.value || {};
const takes = () => value().takes || [];
let closed = false; // until other takes are drawn
let hearing = false; // the take that is on its way is to be heard

const two = (figure) => figure.toFixed(2).replace("-", "−");

// The best of the rule first; until they are measured, as they were drawn.
function sorted() {
  const rule = (value().rules || {})[part(".sort").value];
  const figure = (take) => take.figures[part(".sort").value];
  if (!rule || !takes().every((take) => figure(take) !== undefined)) return takes();
  return [...takes()].sort((a, b) => (figure(a) - figure(b)) * (rule.highest ? -1 : 1));
}

function wordsOf(take) {
  const all = make("span", "words");
  all.append(make("span", "name", `Take ${take.number}`));
  all.append(...Object.entries(take.figures).map(([rule, figure]) => {
    const made = make("span", "figure", `${SHORT[rule]} ${two(figure)}`);
    made.title = value().rules[rule].about;
    return made;
  }));
  return all;
}

function itemOf(take) {
  const button = make("button", "take");
  button.type = "button";
  button.dataset.number = take.number;
  button.setAttribute("aria-current", take.number === value().shown);
  button.append(make("canvas", ""), wordsOf(take));
  button.querySelector("canvas").setAttribute("aria-hidden", "true");
  button.addEventListener("click", () => hear(take.number));
  const item = make("li", "");
  item.append(button);
  return item;
}

const playButton = () => document.querySelector(`${PRISM} .play`);

function hear(number) {
  hearing = number !== value().shown;
  if (hearing) trigger("keep", { number });
  else playButton().click();
}

// The transport begins anew with a new sound; it plays when that is done.
document.addEventListener("prism-sound", ({ target }) => {
  if (!hearing || !target.closest(PRISM) || playButton().disabled) return;
  hearing = false;
  setTimeout(() => playButton().click());
});

function drawAll() {
  const drawn = sorted();
  root.querySelectorAll("canvas").forEach((canvas, at) => paintSmall(canvas, drawn[at].notes));
}

function showTakes() {
  const focused = root.contains(document.activeElement) && document.activeElement.dataset.number;
  part(".rolls").replaceChildren(...sorted().map(itemOf));
  if (focused) part(`[data-number="${focused}"]`)?.focus({ preventScroll: true });
  drawAll();
}

function show() {
  const { sorts = {}, text = "", kind = "" } = value();
  closed &&= !text;
  const wanted = !closed && (text || takes().length);
  const opened = root.hidden && wanted;
  root.hidden = !wanted;
  root.dataset.kind = kind;
  if (!part(".sort").options.length) {
    part(".sort").append(...Object.entries(sorts).map(([name, words]) => option(name, words)));
  }
  part(".said").textContent = text || "Press one to hear and keep it.";
  showTakes();
  if (opened) root.scrollIntoView({ block: "nearest" });
}

part(".sort").addEventListener("change", showTakes);
part(".close").addEventListener("click", () => {
  root.hidden = closed = true;
});
new MutationObserver(drawAll).observe(document.body, { attributeFilter: ["class"] });
new ResizeObserver(drawAll).observe(part(".rolls"));
watch("value", show);
show();
