// The body of the numbers' on-load function: `element`, `props`, `trigger` and `watch` are given.
const EMPTY = { key: [], numbers: [], own: [] };
const LARGEST = 4;
const STEP = 0.25;

const root = element.querySelector(".prism-numbers");
const part = (name) => root.querySelector(name);
const bars = part(".bars");
let chosen = 0;
let asked = false;

const value = () => props.value || EMPTY;
const clamped = (number) => Math.max(-LARGEST, Math.min(LARGEST, number));

function place(bar, number) {
  const share = (50 * clamped(number)) / LARGEST;
  bar.style.top = `${50 - Math.max(0, share)}%`;
  bar.style.height = `${Math.abs(share)}%`;
}

function barOf() {
  const made = make("div", "bar");
  made.append(make("span", "own"), make("span", "now"));
  return made;
}

function show() {
  const { key, numbers, own } = value();
  root.hidden = !numbers.length;
  if (bars.children.length !== numbers.length) bars.replaceChildren(...numbers.map(barOf));
  chosen = Math.max(0, Math.min(chosen, numbers.length - 1));
  numbers.forEach((number, index) => {
    const bar = bars.children[index];
    bar.classList.toggle("chosen", index === chosen);
    place(bar.querySelector(".own"), own[index]);
    place(bar.querySelector(".now"), number);
  });
  if (!numbers.length) return;
  const told = `Number ${chosen + 1} of ${numbers.length}: ${numbers[chosen].toFixed(2)}`;
  part(".told").textContent = `${told} (the music's own: ${own[chosen].toFixed(2)})`;
  bars.setAttribute("aria-valuenow", numbers[chosen].toFixed(2));
  bars.setAttribute("aria-valuetext", told);
  bars.setAttribute("aria-label", `Numbers of beat ${key[2]}`);
  part(".undo").disabled = numbers.every((number, index) => number === own[index]);
}

// Many moves a second become one question a frame.
function put(numbers) {
  props.value = { ...value(), numbers };
  show();
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    trigger("changed", {});
  });
}

function change(number, from = chosen) {
  const [low, high] = [Math.min(from, chosen), Math.max(from, chosen)];
  const inside = (index) => index >= low && index <= high;
  put(value().numbers.map((old, index) => (inside(index) ? clamped(number) : old)));
}

function drag(event) {
  const box = bars.getBoundingClientRect();
  const count = value().numbers.length;
  const across = (event.clientX - box.left) / box.width;
  const before = chosen;
  chosen = Math.max(0, Math.min(count - 1, Math.floor(across * count)));
  // A quick hand skips bars: those on the way are changed as well.
  const from = event.type === "pointermove" ? before : chosen;
  change(LARGEST * (1 - (2 * (event.clientY - box.top)) / box.height), from);
}

const KEYS = {
  ArrowLeft: () => choose(chosen - 1),
  ArrowRight: () => choose(chosen + 1),
  Home: () => choose(0),
  End: () => choose(value().numbers.length - 1),
  ArrowUp: () => change(value().numbers[chosen] + STEP),
  ArrowDown: () => change(value().numbers[chosen] - STEP),
};

function choose(index) {
  chosen = index;
  show();
}

bars.addEventListener("pointerdown", (event) => {
  bars.setPointerCapture(event.pointerId);
  drag(event);
});
bars.addEventListener("pointermove", (event) => {
  if (bars.hasPointerCapture(event.pointerId)) drag(event);
});
bars.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
});
part(".mirror").addEventListener("click", () => put(value().numbers.map((number) => -number)));
part(".undo").addEventListener("click", () => put([...value().own]));

watch("value", show);
show();
