// The body of the player's on-load function: `element`, `props`, `trigger` and `watch` are given.
// Times are in beats except where a name says seconds.

const EMPTY = { notes: [], beats: 64, tempo: 100, bar: 4, title: "", downloads: {} };
const KEYBOARD_WIDTH = 36;
const LOWEST_SHOWN = 36;
const HIGHEST_SHOWN = 84;
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);

const root = element.querySelector(".prism-player");
const part = (name) => root.querySelector(name);
const canvas = part("canvas");
const audio = part("audio");
const playButton = part(".play");
let silentPosition = 0; // where the playhead stands while there is no sound
let audioAddress = "";
let pictureWanted = false;

const value = () => props.value || EMPTY;
const beatsPerSecond = () => value().tempo / 60;
const sound = () => (value().downloads || {}).wav;
const hasSound = () => Boolean(sound());
const position = () => {
  const beat = hasSound() ? audio.currentTime * beatsPerSecond() : silentPosition;
  return Math.min(beat, value().beats);
};

function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// ---- drawing ----

function geometry() {
  const pitches = value().notes.map((note) => note[0]);
  const low = Math.min(LOWEST_SHOWN, ...pitches) - 1;
  const high = Math.max(HIGHEST_SHOWN, ...pitches) + 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const row = height / (high - low + 1);
  const x = (beat) => KEYBOARD_WIDTH + (beat / value().beats) * (width - KEYBOARD_WIDTH);
  const y = (pitch) => (high - pitch) * row;
  return { low, high, width, height, row, x, y };
}

function colours() {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    note: read("--color-accent"),
    grid: read("--border-color-primary"),
    text: read("--body-text-color"),
    subdued: read("--body-text-color-subdued"),
    blackKey: read("--body-text-color-subdued"),
    whiteKey: read("--background-fill-primary"),
  };
}

function drawGrid(pen, space, colour) {
  pen.fillStyle = colour.grid;
  for (let pitch = space.low; pitch <= space.high; pitch += 1) {
    if (BLACK_KEYS.has(pitch % 12)) {
      pen.globalAlpha = 0.28;
      pen.fillRect(KEYBOARD_WIDTH, space.y(pitch), space.width, space.row);
    }
  }
  pen.globalAlpha = 0.9;
  for (let beat = 0; beat <= value().beats; beat += value().bar) {
    pen.fillRect(Math.round(space.x(beat)), 0, 1, space.height);
  }
  pen.globalAlpha = 1;
}

function drawNotes(pen, space, colour, now) {
  const gap = space.row > 4 ? 1 : 0;
  for (const [pitch, start, duration, velocity] of value().notes) {
    const left = space.x(start);
    const sounding = now > start && now < start + duration && now < value().beats;
    pen.fillStyle = sounding ? colour.text : colour.note;
    pen.globalAlpha = sounding ? 1 : 0.35 + (0.65 * velocity) / 127;
    const width = Math.max(1.5, space.x(start + duration) - left - 0.75);
    pen.fillRect(left, space.y(pitch), width, Math.max(2, space.row - gap));
  }
  pen.globalAlpha = 1;
}

function drawKeyboard(pen, space, colour, now) {
  const down = new Set();
  if (now > 0 && !audio.paused) {
    for (const [pitch, start, duration] of value().notes) {
      if (now >= start && now < start + duration) down.add(pitch);
    }
  }
  pen.fillStyle = colour.whiteKey;
  pen.fillRect(0, 0, KEYBOARD_WIDTH, space.height);
  pen.font = "9px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (let pitch = space.low; pitch <= space.high; pitch += 1) {
    const top = space.y(pitch);
    const black = BLACK_KEYS.has(pitch % 12);
    if (down.has(pitch) || black) {
      pen.fillStyle = down.has(pitch) ? colour.note : colour.blackKey;
      pen.fillRect(0, top, black ? KEYBOARD_WIDTH * 0.52 : KEYBOARD_WIDTH, space.row);
    }
    if (pitch % 12 === 0 || pitch % 12 === 5) {
      // Two white keys meet: B and C, E and F.
      pen.fillStyle = colour.grid;
      pen.fillRect(0, top + space.row, KEYBOARD_WIDTH, 1);
    }
    if (pitch % 12 === 0) {
      pen.fillStyle = colour.text;
      pen.fillText(`C${pitch / 12 - 1}`, KEYBOARD_WIDTH - 15, top + space.row / 2);
    }
  }
  pen.fillStyle = colour.grid;
  pen.fillRect(KEYBOARD_WIDTH - 1, 0, 1, space.height);
}

function draw() {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  const space = geometry();
  const colour = colours();
  const now = position();
  drawGrid(pen, space, colour);
  drawNotes(pen, space, colour, audio.paused ? -1 : now);
  drawKeyboard(pen, space, colour, now);
  if (value().notes.length) {
    pen.fillStyle = colour.text;
    pen.fillRect(Math.min(space.x(now), space.width - 2), 0, 2, space.height);
  }
  describePosition(now);
}

function describePosition(now) {
  const total = value().beats / beatsPerSecond();
  const elapsed = clock(now / beatsPerSecond());
  part(".time").textContent = `${elapsed} / ${clock(total)}`;
  canvas.setAttribute("aria-valuemax", value().beats);
  canvas.setAttribute("aria-valuenow", Math.floor(now));
  canvas.setAttribute(
    "aria-valuetext",
    `beat ${Math.floor(now)} of ${value().beats}, ${elapsed} of ${clock(total)}`,
  );
}

// ---- playing ----

function follow() {
  if (!root.isConnected) audio.pause(); // a player taken off the page would go on sounding
  draw();
  if (!audio.paused) requestAnimationFrame(follow);
}

function seek(beat) {
  const target = Math.max(0, Math.min(beat, value().beats));
  if (hasSound()) audio.currentTime = target / beatsPerSecond();
  else silentPosition = target;
  draw();
}

function togglePlaying() {
  if (!hasSound()) return;
  if (!audio.paused) return audio.pause();
  pauseOthers();
  audio.play();
}

function pauseOthers() {
  for (const other of document.querySelectorAll(".prism-player audio")) {
    if (other !== audio) other.pause();
  }
}

function showPlaying() {
  playButton.classList.toggle("playing", !audio.paused);
  playButton.setAttribute("aria-label", audio.paused ? "Play" : "Pause");
  draw();
}

const KEYS = {
  " ": togglePlaying,
  Enter: togglePlaying,
  ArrowLeft: () => seek(position() - 1),
  ArrowRight: () => seek(position() + 1),
  ArrowDown: () => seek(position() - 1),
  ArrowUp: () => seek(position() + 1),
  PageDown: () => seek(position() - value().bar),
  PageUp: () => seek(position() + value().bar),
  Home: () => seek(0),
  End: () => seek(value().beats),
};

playButton.addEventListener("click", togglePlaying);
audio.addEventListener("play", () => {
  showPlaying();
  follow();
});
audio.addEventListener("pause", showPlaying);
audio.addEventListener("seeked", draw);
canvas.addEventListener("click", (event) => {
  const across = (event.offsetX - KEYBOARD_WIDTH) / (canvas.clientWidth - KEYBOARD_WIDTH);
  seek(across * value().beats);
});
canvas.addEventListener("keydown", (event) => {
  if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  KEYS[event.key]();
});

// ---- values from the server ----

function showText() {
  const now = value();
  part(".kind").textContent = now.kind || "";
  part(".name").textContent = now.title;
  part(".detail").textContent = now.detail || "";
  part(".caption").textContent = now.caption || "";
  part(".message").textContent = now.message || "";
  part(".hint").textContent = now.hint || "";
  canvas.setAttribute("aria-label", `Position in ${now.title || "the music"}`);
  canvas.dataset.notes = now.notes.length;
}

function showSound() {
  const address = hasSound() ? sound().url : "";
  if (address !== audioAddress) {
    audioAddress = address;
    silentPosition = 0;
    if (address) audio.src = address;
    else {
      audio.pause();
      audio.removeAttribute("src");
      audio.load();
    }
  }
  playButton.disabled = !address;
}

function showDownloads() {
  const files = value().downloads || {};
  for (const name of ["midi", "wav"]) {
    const link = part(`.${name}`);
    if (files[name]) {
      link.href = files[name].url;
      link.download = files[name].orig_name;
    } else link.removeAttribute("href");
  }
  part(".downloads").classList.toggle("ready", Boolean(files.midi));
  if (files.png && pictureWanted) save(files.png);
}

// The picture is drawn on the server when it is first asked for.
function save(file) {
  pictureWanted = false;
  const link = document.createElement("a");
  link.href = file.url;
  link.download = file.orig_name;
  link.click();
}

part(".png").addEventListener("click", () => {
  const files = value().downloads || {};
  if (files.png) return save(files.png);
  pictureWanted = true;
  trigger("picture", {});
});

function show() {
  const now = value();
  root.dataset.state = !now.notes.length ? "empty" : now.busy ? "rendering" : "ready";
  showText();
  showSound();
  showDownloads();
  draw();
}

new ResizeObserver(draw).observe(canvas);
new MutationObserver(draw).observe(document.body, { attributeFilter: ["class"] });
watch("value", show);
show();
