// The body of the transport's on-load function: `element`, `props`, `trigger` and `watch` are given.
// Players ask with bubbling events (see player.js); those inside `.prism-together` are answered.
const LETTERS = ["A", "B", "C"];
const TEXT_FIELDS = "input:not([type=range], [type=checkbox], [type=radio], [type=button]), "
  + "textarea, select, [contenteditable=true]";
const ARROW_USERS = "input[type=range], input[type=radio], [role=slider], [role=tab]";
const SPACE_USERS = "button, a, summary, [role=button], [role=tab], input";

const root = element.querySelector(".prism-transport");
const part = (name) => root.querySelector(name);
// Of each lane, from above: its source's `name`, and the `title` it goes by.
const lanes = () => props.sources;
const ensemble = new Ensemble(show, (error) => {
  say(`The browser refused to play: ${error.message} Press Play again.`);
});
const { view } = ensemble;
let loopChoice = "all"; // what L turns on

function say(text) {
  part(".said").textContent = text;
}

const beatSaid = () => `beat ${beatName(view.beat, ensemble.beats)}`;

// ---- showing ----

function show() {
  view.whole = Math.max(0, ...ensemble.sources.map(({ beats }) => beats));
  ensemble.sources.forEach((source, index) => {
    const { letter, lane } = source;
    const heard = index === ensemble.heard;
    const detail = { ...view, heard, letter, name: lane.title, source: lane.name };
    source.player.dispatchEvent(new CustomEvent("prism-view", { detail }));
  });
  const play = part(".play");
  play.classList.toggle("playing", view.playing);
  play.setAttribute("aria-label", view.playing ? "Pause" : "Play");
  put(part(".word"), view.playing ? "Pause" : "Play");
  showPosition();
  showRuler();
  showTempo();
  showChoices();
  tellBars();
}

let told = null;

// Who does something with the bars that are looped (see redraw.js) hears of them.
function tellBars() {
  if (told === view.loop) return;
  told = view.loop;
  const whole = told && told.from <= 0 && told.to >= ensemble.beats;
  document.dispatchEvent(new CustomEvent("prism-bars", { detail: whole ? null : told }));
}

// Players that stand elsewhere keep their own time, but share the colours.
function tellLoners() {
  const detail = { colours: view.colours };
  const players = [...document.querySelectorAll(".prism-player")];
  for (const player of players.filter((one) => ensemble.indexOf(one) < 0)) {
    player.dispatchEvent(new CustomEvent("prism-view", { detail }));
  }
}

function showPosition() {
  const { beats, bars, current } = ensemble;
  const beat = beatName(view.beat, beats);
  const seconds = current ? clock(current.seconds(view.beat) / ensemble.factor) : "0:00";
  put(part(".position"), `Bar ${barAt(bars, beat - 1) + 1} · beat ${beat} of ${beats} · ${seconds}`);
}

let colour = null;
let corner = { left: 0, top: 0 }; // of the ruler, in the column of the lanes

// Nothing moves the ruler but another size of the column.
const resized = new ResizeObserver(measure);
function measure() {
  const [column, inner] = [root.closest(".prism-lanes"), part(".ruler")]
    .map((place) => place?.getBoundingClientRect() ?? { left: 0, top: 0 });
  corner = { left: inner.left - column.left, top: inner.top - column.top };
  lowerLanes(root.closest(".prism-lanes"));
  showRuler();
}

// What stands between transport and lanes takes its height from theirs, see page.css.
function lowerLanes(column) {
  const gap = column ? parseFloat(getComputedStyle(column).rowGap) : 0;
  const between = [...(column?.querySelectorAll(":scope > .prism-redraw-block") ?? [])]
    .reduce((sum, { offsetHeight }) => sum + (offsetHeight && offsetHeight + gap), 0);
  column?.style.setProperty("--prism-between", `${between}px`);
}

function showRuler() {
  const { beats, bars } = ensemble;
  const [ruler, playhead] = [part(".ruler"), part(".playhead")];
  colour ??= colours(root);
  paintRuler(ruler, colour, view, bars, beats);
  const x = rulerSpace(ruler, view, beats).x(view.beat);
  playhead.hidden = x < keyboardWidth() - 1 || x > ruler.clientWidth + 1
    || !ensemble.sources.some(({ hasNotes }) => hasNotes);
  playhead.style.top = `${corner.top}px`;
  playhead.style.left = `${corner.left + Math.min(x, ruler.clientWidth - 1)}px`;
}

function showTempo() {
  const percent = Math.round(ensemble.factor * 100);
  const beats = Math.round((ensemble.current?.tempo ?? 100) * ensemble.factor);
  put(part(".tempo-said"), `${percent} %, ${beats} bpm`);
  part(".tempo").setAttribute("aria-valuetext", `${percent} %, ${beats} beats a minute`);
}

function showChoices() {
  part(".zoom").value = view.span;
  part(".colours").value = view.colours;
  if (!view.loop) part(".loop").value = "off";
}

function swatch(tone, name) {
  const made = make("span", "");
  const mark = make("i", "");
  mark.style.background = tone;
  made.append(mark, name);
  return made;
}

function showLegend() {
  const byPitch = view.colours === "pitch";
  const shown = byPitch
    ? noteColours(getComputedStyle(root)).pitch.map((tone, i) => swatch(tone, PITCH_CLASSES[i]))
    : lanes().map((lane) => swatch(`var(--prism-${lane.name})`, lane.title));
  part(".swatches").replaceChildren(...shown, byPitch ? "" : "stronger where it is louder");
  const said = byPitch ? "a colour for each pitch class" : "a colour for each source";
  part(".swatches").setAttribute("aria-label", said);
}

// ---- what a visitor can do ----

function togglePlaying() {
  if (view.playing) {
    ensemble.pause();
    return say(`Paused, ${beatSaid()}`);
  }
  if (!ensemble.play()) return say("There is no sound yet. Press Generate first.");
  say(`Playing ${ensemble.current.name}, ${beatSaid()}`);
}

function hear(index) {
  if (ensemble.hear(index)) return say(`${ensemble.current.name}, ${beatSaid()}`);
  if (lanes()[index]) say(`${ensemble.sources[index].name} has no sound yet.`);
}

function playSource(index) {
  if (view.playing && index === ensemble.heard) return togglePlaying();
  if (ensemble.hear(index) && view.playing) return say(`${ensemble.current.name}, ${beatSaid()}`);
  togglePlaying();
}

function seek(beat) {
  ensemble.seek(beat);
  say(`Beat ${beatName(view.beat, ensemble.beats)}`);
}

function zoom(span) {
  zoomTo(view, span, ensemble.beats, ensemble.bar);
  show();
  say(`${spanOf(view, ensemble.beats)} beats visible`);
}

function scroll(first) {
  view.following = false;
  scrollTo(view, first, ensemble.beats);
  show();
}

function loopOver(from, to, choice) {
  view.loop = { from, to: Math.min(to, ensemble.beats) };
  part(".loop").value = loopChoice = choice;
  show();
  say(choice === "all" ? "Loop: whole piece" : `Loop: ${barsNamed(from, view.loop.to)}`);
}

function barsNamed(from, to) {
  const { bars } = ensemble;
  return `bars ${barAt(bars, from) + 1} to ${barAt(bars, to - 0.01) + 1}`;
}

function loop(choice) {
  const { beats, bars } = ensemble;
  if (choice === "off") {
    view.loop = null;
    show();
    return say("Loop off");
  }
  if (choice === "all") return loopOver(0, beats, choice);
  const first = barAt(bars, Math.min(view.beat, beats - 1));
  loopOver(bars[first], bars[first + Number(choice)] ?? beats, choice);
}

// Bars marked on a roll stay in the list, to be turned off and on.
function loopMarked(from, to) {
  const marked = part(".loop [value=marked]");
  marked.textContent = barsNamed(from, to).replace("b", "B");
  marked.dataset.from = from;
  marked.dataset.to = to;
  marked.hidden = marked.disabled = false;
  loopOver(from, to, "marked");
  if (view.beat < from || view.beat >= to) ensemble.seek(from);
}

function chooseLoop(choice) {
  const { from, to } = part(".loop [value=marked]").dataset;
  if (choice === "marked") loopOver(Number(from), Number(to), choice);
  else loop(choice);
}

function colourBy(choice) {
  view.colours = choice;
  showLegend();
  tellLoners();
  show();
  say(choice === "pitch" ? "Coloured by pitch class" : "Coloured by source");
}

function project() {
  const on = document.documentElement.classList.toggle("prism-projector");
  part(".projector").setAttribute("aria-pressed", on);
  if (on) window.scrollTo(0, 0);
  say(on ? "Projector mode on" : "Projector mode off");
}

part(".play").addEventListener("click", togglePlaying);
part(".projector").addEventListener("click", project);
part(".more").addEventListener("click", () => {
  const hidden = part(".options").toggleAttribute("hidden");
  part(".more").setAttribute("aria-expanded", !hidden);
});
part(".loop").addEventListener("change", (event) => chooseLoop(event.target.value));
part(".zoom").addEventListener("change", (event) => zoom(Number(event.target.value)));
part(".colours").addEventListener("change", (event) => colourBy(event.target.value));
part(".instrument").addEventListener("change", ({ target }) => {
  props.value = target.value;
  say(`Instrument: ${target.selectedOptions[0].text}`);
  trigger("input", {});
});
part(".tempo").addEventListener("input", (event) => {
  ensemble.factor = event.target.value / 100;
  if (ensemble.current) ensemble.setLevels();
  show();
});
part(".volume").addEventListener("input", showVolume);

function showVolume() {
  const percent = part(".volume").value;
  ensemble.volume = percent / 100;
  for (const audio of document.querySelectorAll(".prism-player audio")) {
    audio.volume = ensemble.volume;
  }
  put(part(".volume-said"), `${percent} %`);
  part(".volume").setAttribute("aria-valuetext", `${percent} %`);
}

// ---- the ruler ----

function seekOnRuler(event) {
  const { keys, beatWidth } = rulerSpace(part(".ruler"), view, ensemble.beats);
  seek(view.first + (event.offsetX - keys) / beatWidth);
}

part(".ruler").addEventListener("pointerdown", (event) => {
  part(".ruler").setPointerCapture(event.pointerId);
  seekOnRuler(event);
});
part(".ruler").addEventListener("pointermove", (event) => event.buttons && seekOnRuler(event));
resized.observe(part(".ruler"));

// ---- keys ----

const bars = (count) => seek(view.beat + count * ensemble.bar);

const KEYS = {
  " ": togglePlaying,
  ArrowLeft: (event) => (event.shiftKey ? bars(-1) : seek(view.beat - 1)),
  ArrowRight: (event) => (event.shiftKey ? bars(1) : seek(view.beat + 1)),
  1: () => hear(0),
  2: () => hear(1),
  3: () => hear(2),
  l: () => chooseLoop(view.loop ? "off" : loopChoice),
  p: project,
  "+": () => zoom(nextSpan(view.span, 1)),
  "=": () => zoom(nextSpan(view.span, 1)),
  "-": () => zoom(nextSpan(view.span, -1)),
};

// A button that was clicked with the mouse does not keep the space bar, one reached by keys does.
let clicked = null;

function usesKey(target, key) {
  if (target.closest(TEXT_FIELDS)) return true;
  if (key.startsWith("Arrow")) return Boolean(target.closest(ARROW_USERS));
  if (key !== " ") return false;
  const user = target.closest(SPACE_USERS);
  return Boolean(user && user.type !== "range" && user !== clicked);
}

const inUse = () => root.isConnected && root.offsetParent;

document.addEventListener("pointerdown", (event) => {
  clicked = event.target.closest(SPACE_USERS);
});
document.addEventListener("focusin", (event) => {
  if (clicked && !clicked.contains(event.target)) clicked = null;
});
document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || !inUse()) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!(key in KEYS) || usesKey(event.target, key)) return;
  event.preventDefault();
  KEYS[key](event);
});
// Firefox presses a button when the space bar is let go.
document.addEventListener("keyup", (event) => {
  if (event.key === " " && clicked && clicked === event.target) event.preventDefault();
});

// ---- players ----

const ANSWERS = {
  join: meet,
  toggle: (index) => playSource(index),
  seek: (_, { beat }) => seek(beat),
  zoom: (_, { steps }) => zoom(nextSpan(view.span, steps)),
  scroll: (_, { first }) => scroll(first),
  mark: (_, { from, to }) => loopMarked(from, to),
  length: () => show(),
  sound: (index, { again }) => ensemble.renew(ensemble.sources[index], again),
};

function meet() {
  const players = [...document.querySelectorAll(".prism-together .prism-player")];
  ensemble.join(players.slice(0, LETTERS.length).map((player, index) => {
    const source = ensemble.sources[ensemble.indexOf(player)] ?? new Source(player);
    return Object.assign(source, { lane: lanes()[index], letter: LETTERS[index] });
  }));
  const column = root.closest(".prism-lanes");
  if (column) resized.observe(column);
  showVolume();
  tellLoners();
}

for (const [name, answer] of Object.entries(ANSWERS)) {
  document.addEventListener(`prism-${name}`, (event) => {
    if (!root.isConnected) return;
    const index = ensemble.indexOf(event.target);
    if (index < 0 && name !== "join") return;
    event.preventDefault();
    answer(index, event.detail);
  });
}

function showInstrument() {
  part(".instrument").value = props.value;
}

function build() {
  part(".instrument").replaceChildren(...props.instruments.map((one) => option(...one)));
  showInstrument();
  part(".zoom").replaceChildren(...SPANS.map((span, place) =>
    option(span, place ? `${span} beats` : "Whole piece")));
  showLegend();
  meet();
}

new MutationObserver(() => {
  colour = null;
  showLegend();
  showRuler();
}).observe(document.body, { attributeFilter: ["class"] });
watch("value", showInstrument);
build();
