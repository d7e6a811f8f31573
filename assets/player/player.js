// The body of the player's on-load function: `element`, `props`, `trigger` and `watch` are given.
// Times are in beats except where a name says seconds.
//
// A player stands alone or with others under a transport. What the visitor wants it first asks the
// page, with an event `prism-…` that bubbles; a transport that answers takes it over by preventing
// the default, and tells its players what to show with `prism-view`: they are the page's lanes.

const EMPTY = { notes: [], beats: 64, tempo: 100, bar: 4, bars: [], title: "", downloads: {} };
const DRAG_PIXELS = 5;

const root = element.querySelector(".prism-player");
const part = (name) => root.querySelector(name);
const canvas = part("canvas");
const audio = part("audio");
const playButton = part(".play");
const menu = part(".files");
const view = {
  beat: 0, playing: false, first: 0, span: SPANS[0], following: true, colours: "velocity",
  loop: null, shared: Boolean(root.closest(".prism-together")), heard: true, letter: "", name: "",
  source: "",
};
let colour = null;
let audioAddress = "";
let wanted = ""; // the kind of file that is being made
let heardNotes = ""; // those that sound there

// The page brings a stored example along; one that was opened by a link waits for its own music.
const linked = new URLSearchParams(location.search).has("composers");
const value = () => (props.value && !(props.value.opening && linked) ? props.value : EMPTY);
const beatsPerSecond = () => value().tempo / 60;
const sound = () => (value().downloads || {}).wav;
const hasSound = () => Boolean(sound());

function alone(name, detail = {}) {
  return root.dispatchEvent(
    new CustomEvent(`prism-${name}`, { bubbles: true, cancelable: true, detail }),
  );
}

// ---- showing ----

function draw() {
  colour ??= colours(root);
  paint(canvas, colour, value(), view);
  describePosition();
}

function restyle() {
  colour = null;
  draw();
}

function describePosition() {
  const { beats, bar } = value();
  const elapsed = clock(view.beat / beatsPerSecond());
  const total = clock(beats / beatsPerSecond());
  put(part(".time"), `${elapsed} / ${total}`);
  canvas.setAttribute("aria-valuemax", beats);
  canvas.setAttribute("aria-valuenow", Math.floor(view.beat));
  const beat = beatName(view.beat, beats);
  canvas.setAttribute(
    "aria-valuetext",
    `bar ${Math.ceil(beat / bar)}, beat ${beat} of ${beats}, ${elapsed} of ${total}`,
  );
}

function showPlaying() {
  const playing = view.playing && view.heard;
  playButton.classList.toggle("playing", playing);
  playButton.setAttribute("aria-label", `${playing ? "Pause" : "Play"} ${name()}`.trim());
  put(part(".who"), `${view.letter} ${name()}`.trim());
  root.classList.toggle("shared", view.shared);
  root.classList.toggle("heard", view.shared && view.heard);
  root.dataset.name = name();
  draw();
}

// A visitor's own file takes the real piece's lane.
const name = () => (value().kind === "Yours" ? "Your piece" : view.name);

// ---- playing alone ----

let frame = 0;

function follow() {
  cancelAnimationFrame(frame); // a seek while it plays begins no second loop
  if (!root.isConnected) audio.pause(); // a player taken off the page would go on sounding
  view.beat = Math.min(audio.currentTime * beatsPerSecond(), value().beats);
  followPlayhead(view, value().beats, value().bar);
  draw();
  if (!audio.paused) frame = requestAnimationFrame(follow);
}

function showAlone() {
  if (view.shared) return;
  view.playing = !audio.paused;
  showPlaying();
  if (view.playing) follow();
}

function seek(beat) {
  const target = clamped(beat, 0, value().beats);
  if (!alone("seek", { beat: target })) return;
  view.beat = target;
  view.following = true;
  if (hasSound()) audio.currentTime = target / beatsPerSecond();
  followPlayhead(view, value().beats, value().bar);
  draw();
}

function togglePlaying() {
  if (!alone("toggle") || !hasSound()) return;
  if (!audio.paused) return audio.pause();
  for (const other of document.querySelectorAll(".prism-player audio")) {
    if (other !== audio) other.pause();
  }
  audio.muted = false;
  audio.play();
}

function zoom(steps) {
  if (!alone("zoom", { steps })) return;
  zoomTo(view, nextSpan(view.span, steps), value().beats, value().bar);
  draw();
}

function scroll(first) {
  if (!alone("scroll", { first })) return;
  view.following = false;
  scrollTo(view, first, value().beats);
  draw();
}

// ---- pointer and keys ----

const bars = (count) => seek(view.beat + count * value().bar);

const KEYS = {
  " ": togglePlaying,
  Enter: togglePlaying,
  ArrowLeft: (event) => (event.shiftKey ? bars(-1) : seek(view.beat - 1)),
  ArrowRight: (event) => (event.shiftKey ? bars(1) : seek(view.beat + 1)),
  ArrowDown: () => seek(view.beat - 1),
  ArrowUp: () => seek(view.beat + 1),
  PageDown: () => bars(-1),
  PageUp: () => bars(1),
  Home: () => seek(0),
  End: () => seek(value().beats),
  "+": () => zoom(1),
  "=": () => zoom(1),
  "-": () => zoom(-1),
};

const beatsPerPixel = () =>
  spanOf(view, value().beats) / (canvas.clientWidth - keyboardWidth());
const beatAt = (offset) => view.first + (offset - keyboardWidth()) * beatsPerPixel();

// A drag scrolls; with Shift it marks bars to be repeated. `grip` is where it began.
let grip = null;

function startDrag(event) {
  if (event.button !== 0) return;
  grip = { x: event.offsetX, first: view.first, moved: false, marks: event.shiftKey };
  canvas.setPointerCapture(event.pointerId);
}

function drag(event) {
  if (!grip) return;
  grip.moved ||= Math.abs(event.offsetX - grip.x) > DRAG_PIXELS;
  if (grip.moved && !grip.marks) scroll(grip.first - (event.offsetX - grip.x) * beatsPerPixel());
}

function endDrag(event) {
  if (!grip) return;
  const { x, moved, marks } = grip;
  grip = null;
  if (moved && marks) markBars(beatAt(x), beatAt(event.offsetX));
  else if (!moved) seek(beatAt(event.offsetX));
}

function markBars(one, other) {
  const { bars, beats } = value();
  const from = bars[barAt(bars, Math.max(0, Math.min(one, other)))];
  const to = bars.find((start) => start >= Math.max(one, other)) ?? beats;
  if (to > from) alone("mark", { from, to });
}

function turnWheel(event) {
  const across = event.shiftKey ? event.deltaX || event.deltaY : event.deltaX;
  if (!across || spanOf(view, value().beats) === value().beats) return;
  event.preventDefault();
  scroll(view.first + across * beatsPerPixel());
}

playButton.addEventListener("click", togglePlaying);
for (const name of ["play", "pause", "seeked"]) audio.addEventListener(name, showAlone);
canvas.addEventListener("pointerdown", startDrag);
canvas.addEventListener("pointermove", drag);
canvas.addEventListener("pointerup", endDrag);
canvas.addEventListener("pointercancel", () => (grip = null));
canvas.addEventListener("wheel", turnWheel, { passive: false });
canvas.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key](event);
});
root.addEventListener("prism-view", ({ detail }) => {
  const before = { ...view };
  Object.assign(view, detail);
  if (before.name !== view.name) showText();
  if (["playing", "heard", "name"].some((key) => before[key] !== view[key])) showPlaying();
  else draw();
});
document.addEventListener("prism-scored", showChips);

// ---- the menu of files ----

function closeMenu({ target, key }) {
  if (key ? key === "Escape" : !menu.contains(target)) menu.open = false;
}

menu.addEventListener("toggle", () => {
  for (const name of ["pointerdown", "keydown"]) {
    document[menu.open ? "addEventListener" : "removeEventListener"](name, closeMenu);
  }
});

// ---- going on from what is here, in Prism's lane ----

const LENGTHS = [64, 128, 192, 256];
const ENDS = 4; // bars at each end
let marked = null; // from and to, in beats

// What can be kept: its words, and the parts as [start, end] in beats.
function keepable() {
  const { bars, beats } = value();
  const till = (bar) => bars[bar] ?? beats;
  const found = [4, 8, 12].filter((count) => count < bars.length)
    .map((count) => [`the first ${count} bars`, [[0, till(count)]]]);
  if (bars.length > 2 * ENDS) {
    const last = bars[bars.length - ENDS];
    found.push([`the first and last ${ENDS} bars`, [[0, till(ENDS)], [last, beats]]]);
  }
  found.push(["all bars, and go on", [[0, beats]]]);
  if (marked) {
    const last = barAt(bars, marked.to - 0.01);
    found.push([`bars ${barAt(bars, marked.from) + 1} to ${last + 1}`, [[marked.from, marked.to]]]);
  }
  return found;
}

function showKeepable() {
  const before = part(".kept").value;
  const found = keepable();
  part(".kept").replaceChildren(...found.map(([words], place) => option(place, words)));
  if (before && before < found.length) part(".kept").value = before;
  if (marked) part(".kept").value = found.length - 1;
  showLengths();
}

// Nothing is left to draw of 64 beats where all of them are kept.
function showLengths() {
  const [, parts] = keepable()[part(".kept").value] ?? ["", []];
  const there = parts.length === 1 && parts[0][0] === 0 ? parts[0][1] : 0;
  const [list, before] = [part(".length"), part(".length").value];
  const longer = LENGTHS.filter((beats) => beats > there);
  list.replaceChildren(...longer.map((beats) => option(beats, `${beats} beats`)));
  if (longer.includes(Number(before))) list.value = before;
}

function goOn() {
  const [, parts] = keepable()[part(".kept").value];
  menu.open = false;
  wish("onward", {
    kind: "keep", lane: view.source, parts, seed: newSeed(), by: part(".by").value,
    beats: Number(part(".length").value),
  });
}

// Elsewhere nothing goes on, and where people listen blind, no word may tell.
part(".onward").hidden = !root.closest(".prism-players");
if (!part(".onward").hidden) {
  part(".onward legend").textContent = "Continue in Prism's lane";
  part(".by").replaceChildren(...drawers());
}
part(".kept").addEventListener("change", showLengths);
part(".go").addEventListener("click", goOn);
document.addEventListener("prism-bars", (event) => {
  marked = event.detail;
  showKeepable();
});

// ---- values from the server ----

function showText() {
  const now = value();
  part(".kind").textContent = now.kind || "";
  showTitle(now.title, now.detail || "");
  part(".caption").textContent = now.caption || "";
  part(".message").textContent = now.message || "";
  part(".hint").textContent = now.message ? "" : now.hint || "";
  showChips();
  canvas.setAttribute("aria-label", `Position in ${now.title || "the music"}`);
  canvas.dataset.notes = now.notes.length;
}

// A lane's button says already who plays: there the detail's first words are the title.
function showTitle(title, detail) {
  const said = view.shared && title === view.name;
  const [first, ...others] = said ? detail.split(" · ") : [""];
  const rest = said ? ["", ...others].join(" · ") : detail;
  part(".name").textContent = said ? "" : title;
  part(".detail").replaceChildren(...(first ? [make("b", "", first)] : []), rest);
  part(".titles").title = part(".whole").textContent = [title, detail].filter(Boolean).join(" · ");
}

// While a piece is being made, how far it has come; then what the Scores card says of it.
function showChips() {
  const { busy, caption } = value();
  const chips = document.querySelector(".prism-scores")?.chips?.[view.source] ?? [];
  const progress = make("span", "progress", caption || "");
  part(".chips").replaceChildren(...(busy ? [progress] : chips.map(chipOf)));
}

function chipOf({ name, number, words, about }) {
  const made = make("span", "chip", name);
  made.title = about;
  if (number) made.append(make("b", "", ` ${number}`));
  made.append(make("span", "words", number ? `, ${words}` : words));
  return made;
}

function showSound() {
  const address = hasSound() ? sound().url : "";
  playButton.disabled = !address;
  if (address === audioAddress) return;
  const notes = JSON.stringify(value().notes);
  // On another instrument, or with more after it, it goes on where it was.
  const again = Boolean(address && audioAddress) && notes.startsWith(heardNotes.slice(0, -1));
  [audioAddress, heardNotes] = [address, notes];
  if (address) audio.src = address;
  else {
    audio.pause();
    audio.removeAttribute("src");
    audio.load();
  }
  if (alone("sound", { again })) view.beat = view.first = 0;
}

function showDownloads() {
  const files = value().downloads || {};
  for (const name of ["midi", "wav", "midipic"]) {
    const link = part(`.${name}`);
    if (files[name]) {
      link.href = files[name].url;
      link.download = files[name].orig_name;
    } else link.removeAttribute("href");
  }
  menu.classList.toggle("ready", Boolean(files.midi) && !value().busy);
  if (files[wanted]) {
    save(files[wanted]);
    wanted = "";
  }
}

// Few want these: they are made on the server when they are first asked for.
for (const button of root.querySelectorAll(".made")) {
  button.addEventListener("click", () => {
    const { kind } = button.dataset;
    const files = value().downloads || {};
    if (files[kind]) return save(files[kind]);
    wanted = kind;
    trigger("picture", { kind });
  });
}

function show() {
  const now = value();
  root.dataset.state = !now.notes.length ? "empty" : now.busy ? "rendering" : "ready";
  const grown = Number(root.dataset.beats) !== now.beats;
  for (const name of ["tempo", "beats", "bar", "bars"]) root.dataset[name] = now[name];
  if (grown) alone("length");
  // Where people listen blind, a lane has a source's colour once they have answered.
  root.dataset.source = now.source || "";
  colour = null;
  showText();
  showSound();
  showDownloads();
  showKeepable();
  showPlaying();
}

new ResizeObserver(restyle).observe(canvas);
new MutationObserver(restyle).observe(document.body, { attributeFilter: ["class"] });
watch("value", show);
show();
alone("join");
