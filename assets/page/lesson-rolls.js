// The body of the lessons' rolls' on-load function: `element`, `props`, `trigger` and `watch` are
// given. A stop is a place of the slider; each column shows one of its pictures there.
const EMPTY = { columns: [], stops: [], label: "", start: 0, seconds: null };
// Nothing moves in these rolls: see view.js.
const STILL = { beat: 0, first: 0, playing: false, colours: "velocity" };

const root = element.querySelector(".prism-lesson");
const part = (name) => root.querySelector(name);
const slider = part("input");
let figures = [];
let stop = 0;
let filmSeconds = null; // while a film runs: where it is
// A film starts and goes on by itself while it is seen, until the visitor takes over.
let seen = false;
let byItself = false;
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

const value = () => props.value || EMPTY;
const last = () => Math.max(0, value().stops.length - 1);

// ---- one roll ----

// One range of pitches for all, so that the slider moves nothing but notes.
function pitchRange() {
  let [low, high] = [47, 84];
  for (const column of value().columns) {
    for (const picture of column.pictures) {
      for (const [pitch] of picture.notes) {
        low = Math.min(low, pitch - 1);
        high = Math.max(high, pitch + 1);
      }
    }
  }
  return { low, high };
}

function spaceOf(canvas, picture) {
  const { low, high } = range;
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  const row = height / (high - low + 1);
  const x = (beat) => (beat / picture.beats) * width;
  // Bars of a part of a piece would be given wrong numbers: without room they get none.
  const beatWidth = picture.mark ? 0 : width / picture.beats;
  const y = (pitch) => (high - pitch) * row;
  const scale = typeScale();
  return { low, high, width, height, scale, keys: 0, row, beatWidth, x, y, last: picture.beats };
}

function drawRoll(canvas, picture, count) {
  const pen = cleanPen(canvas);
  if (!pen) return;
  const space = spaceOf(canvas, picture);
  const colour = colours(canvas);
  paintRows(pen, space, colour);
  paintBars(pen, space, colour, picture, STILL);
  if (picture.mark) paintLoop(pen, space, colour, { from: picture.mark[0], to: picture.mark[1] });
  paintNotes(pen, space, colour, { ...picture, notes: picture.notes.slice(0, count) }, STILL);
}

// ---- one column ----

function barOf(className, from, to) {
  const made = make("div", className);
  const filled = make("span", "");
  made.setAttribute("aria-hidden", "true");
  filled.style.left = `${100 * from}%`;
  filled.style.width = `${100 * (to - from)}%`;
  made.append(filled);
  return made;
}

function meterOf(meter) {
  const made = make("div", "meter");
  made.append(make("p", "name", `${meter.name}: ${meter.text}`), barOf("track", 0, meter.share));
  if (meter.band) made.append(barOf("band", ...meter.band));
  return made;
}

function figureOf(_, number) {
  const made = make("figure", "");
  const canvas = make("canvas", "");
  canvas.setAttribute("role", "img");
  const hear = make("button", "hear", "Hear it");
  hear.type = "button";
  hear.addEventListener("click", () => ask(number));
  made.append(make("h3", ""), canvas, make("p", "words"), make("div", "meters"), hear);
  new ResizeObserver(() => draw(number)).observe(canvas);
  return made;
}

function pictureAt(number) {
  const column = value().columns[number];
  const index = column.pictures.length === 1 ? 0 : column.at ? column.at[stop] : stop;
  const count = column.shown ? (column.shown[stop] ?? undefined) : undefined;
  return { index, picture: column.pictures[index], count };
}

function draw(number) {
  if (!figures[number] || !value().columns[number]) return;
  const { picture, count } = pictureAt(number);
  drawRoll(figures[number].querySelector("canvas"), picture, count);
}

function fill(number) {
  const { picture, count } = pictureAt(number);
  const made = figures[number];
  const canvas = made.querySelector("canvas");
  const notes = Math.min(count ?? Infinity, picture.notes.length);
  canvas.dataset.notes = notes;
  canvas.setAttribute("aria-label", `Roll: ${picture.title}, ${notes} notes`);
  made.className = `prism-from-${value().columns[number].source}`;
  made.querySelector("h3").textContent = picture.title;
  made.querySelector(".words").textContent = picture.words;
  made.querySelector(".hear").setAttribute("aria-label", `Hear it: ${picture.title}`);
  made.querySelector(".meters").replaceChildren(...picture.meters.map(meterOf));
  draw(number);
}

function ask(number) {
  // Silence until the new sound is there.
  for (const audio of document.querySelectorAll("audio")) audio.pause();
  wish("hear", { column: number, picture: pictureAt(number).index });
}

// ---- the slider and the film ----

function go(place) {
  stop = Math.max(0, Math.min(place, last()));
  slider.value = stop;
  const words = value().stops[stop] || "";
  part(".stop").textContent = words;
  slider.setAttribute("aria-valuetext", words);
  root.dataset.stop = stop;
  value().columns.forEach((_, number) => fill(number));
}

function halt() {
  filmSeconds = null;
  part(".run").textContent = "Play";
}

function run() {
  if (stop === last()) go(0);
  part(".run").textContent = "Pause";
  filmSeconds = value().seconds[stop];
  let before = performance.now();
  const film = value().seconds;
  const frame = (now) => {
    if (filmSeconds === null || film !== value().seconds || !root.isConnected) return;
    filmSeconds += ((now - before) / 1000) * Number(part(".speed").value);
    before = now;
    let place = stop;
    while (place < last() && film[place + 1] <= filmSeconds) place += 1;
    if (place !== stop) go(place);
    if (stop < last()) {
      requestAnimationFrame(frame);
      return;
    }
    byItself = false;
    halt();
  };
  requestAnimationFrame(frame);
}

function goOn() {
  if (!seen) halt();
  else if (byItself && filmSeconds === null) run();
}

function step(by) {
  byItself = false;
  halt();
  go(stop + by);
}

slider.addEventListener("input", () => step(Number(slider.value) - stop));
part(".back").addEventListener("click", () => step(-1));
part(".on").addEventListener("click", () => step(1));
part(".run").addEventListener("click", () => {
  byItself = filmSeconds === null;
  if (byItself) run();
  else halt();
});

// ---- values from the server ----

let range = pitchRange();

function show() {
  const now = value();
  halt();
  range = pitchRange();
  root.dataset.state = now.columns.length ? "ready" : "empty";
  if (figures.length !== now.columns.length) {
    figures = now.columns.map(figureOf);
    part(".columns").replaceChildren(...figures);
  }
  part(".columns").dataset.count = now.columns.length;
  part(".slide").hidden = now.stops.length < 2;
  part(".film").hidden = !now.seconds;
  part(".label").textContent = now.label;
  slider.max = last();
  go(now.seconds && still ? last() : now.start);
  byItself = Boolean(now.seconds) && !still;
  goOn();
}

new IntersectionObserver(([entry]) => {
  seen = entry.isIntersecting;
  goOn();
}, { threshold: 0.2 }).observe(part(".columns"));

new MutationObserver(() => figures.forEach((_, number) => draw(number)))
  .observe(document.body, { attributeFilter: ["class"] });
watch("value", show);
show();
