// The body of the mixer's on-load function: `element`, `props`, `trigger` and `watch` are given.
const EMPTY = { composers: [], weights: [], known: [], equal: 50 };
const SMALLEST = 5; // per cent: what is narrower cannot be taken hold of

const root = element.querySelector(".prism-mixer");
const part = (name) => root.querySelector(name);
const bar = part(".mix");
const value = () => props.value || EMPTY;
let held = null; // while a boundary is dragged: which, and how far from the pointer it lies


function percentages() {
  const { weights } = value();
  const total = weights.reduce((sum, weight) => sum + weight, 0) || 1;
  return weights.map((weight) => (100 * weight) / total);
}

// Where each composer but the last ends.
function boundaries() {
  let end = 0;
  return percentages().slice(0, -1).map((share) => (end += share));
}

// ---- what is seen ----

// Every other composer is lighter and from across the circle of hues: what is alike is far apart.
function colourOf(name, made) {
  const { known } = value();
  const place = known.indexOf(name);
  const hue = 40 + 360 * (place / known.length + (place % 2) / 2);
  const lightness = `calc(var(--prism-composer-lightness) + ${place % 2 ? 0.16 : 0})`;
  made.style.setProperty("--own", `oklch(${lightness} .15 ${hue})`);
  return made;
}

// The chosen composers' chips have the colours of the bar; Gradio makes them anew at its own time.
const controls = element.closest(".prism-controls");
function colourChips() {
  for (const chip of controls.querySelectorAll(".token")) {
    colourOf(chip.firstElementChild.textContent.trim(), chip);
  }
}

function boundaryOf(name, index) {
  const made = make("div", "boundary");
  made.role = "slider";
  made.tabIndex = 0;
  made.ariaLabel = `Between ${name} and ${value().composers[index + 1]}`;
  made.addEventListener("keydown", (event) => press(event, index));
  return made;
}

function lay() {
  const { composers } = value();
  const parts = composers.map((name) => colourOf(name, make("div", "part")));
  parts.at(-1)?.classList.add("last");
  bar.replaceChildren(...parts, ...composers.slice(0, -1).map(boundaryOf));
  const names = composers.map((name) => colourOf(name, make("li", "name")));
  part(".names").replaceChildren(...names);
  root.dataset.composers = JSON.stringify(composers);
}

function show() {
  const { composers, weights } = value();
  colourChips();
  root.hidden = composers.length < 2;
  // The boundary that has the focus keeps it.
  if (root.dataset.composers !== JSON.stringify(composers)) lay();
  const shares = percentages();
  const words = composers.map((name, index) => `${name} ${Math.round(shares[index])} %`);
  [...part(".names").children].forEach((name, index) => { name.textContent = words[index]; });
  [...bar.querySelectorAll(".part")].forEach((made, index) => {
    made.style.flex = `${shares[index]} 0 0`;
  });
  boundaries().forEach((end, index) => {
    const made = bar.querySelectorAll(".boundary")[index];
    made.style.left = `${end}%`;
    made.ariaValueMin = SMALLEST;
    made.ariaValueMax = Math.round(shares[index] + shares[index + 1]) - SMALLEST;
    made.ariaValueNow = Math.round(shares[index]);
    made.ariaValueText = `${words[index]}, ${words[index + 1]}`;
  });
  part(".equal").disabled = weights.every((weight) => weight === weights[0]);
}

// ---- what the visitor does ----

function put(weights) {
  props.value = { ...value(), weights };
  show();
}

// Whole per cents, so that the link stays short.
function move(index, to) {
  const ends = [0, ...boundaries().map(Math.round), 100];
  const [low, high] = [ends[index] + SMALLEST, ends[index + 2] - SMALLEST];
  if (low > high) return;
  ends[index + 1] = Math.max(low, Math.min(high, Math.round(to)));
  put(ends.slice(1).map((end, place) => end - ends[place]));
}

const STEPS = {
  ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1,
  PageDown: -10, PageUp: 10, Home: -100, End: 100,
};

function press(event, index) {
  if (!(event.key in STEPS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  move(index, Math.round(boundaries()[index]) + STEPS[event.key]);
  trigger("input", {});
}

function percentAt(event) {
  const box = bar.getBoundingClientRect();
  return (100 * (event.clientX - box.left)) / box.width;
}

// The nearest boundary goes along: it need not be hit.
bar.addEventListener("pointerdown", (event) => {
  const at = percentAt(event);
  const distances = boundaries().map((end) => Math.abs(end - at));
  const index = distances.indexOf(Math.min(...distances));
  held = { index, offset: boundaries()[index] - at };
  bar.setPointerCapture(event.pointerId);
});
bar.addEventListener("pointermove", (event) => {
  if (held && bar.hasPointerCapture(event.pointerId)) move(held.index, percentAt(event) + held.offset);
});
bar.addEventListener("pointerup", () => {
  if (!held) return; // pressed elsewhere
  bar.querySelectorAll(".boundary")[held.index].focus();
  held = null;
  trigger("input", {});
});
part(".equal").addEventListener("click", () => {
  put(value().weights.map(() => value().equal));
  trigger("input", {});
});

new MutationObserver(colourChips).observe(controls, { childList: true, subtree: true });
watch("value", show);
show();
