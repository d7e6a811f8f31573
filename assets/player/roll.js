// Draws a piano roll: `paint` is given a canvas, the piece and the view (see view.js).
const LOWEST_SHOWN = 36;
const HIGHEST_SHOWN = 84;
const BLACK_KEYS = new Set([1, 3, 6, 8, 10]);
const KEYBOARD_WIDTH = 36;

// 1 in the usual type size; more in projector mode, or for a visitor who set larger type.
const typeScale = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
const keyboardWidth = () => KEYBOARD_WIDTH * typeScale();

function geometry(canvas, piece, view) {
  const pitches = piece.notes.map((note) => note[0]);
  const low = Math.min(LOWEST_SHOWN, ...pitches) - 1;
  const high = Math.max(HIGHEST_SHOWN, ...pitches) + 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const scale = typeScale();
  const keys = KEYBOARD_WIDTH * scale;
  const row = height / (high - low + 1);
  const span = spanOf(view, piece.beats);
  const beatWidth = (width - keys) / span;
  const x = (beat) => keys + (beat - view.first) * beatWidth;
  const y = (pitch) => (high - pitch) * row;
  return {
    low, high, width, height, scale, keys, row, beatWidth, x, y, last: view.first + span,
  };
}

function colours(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    accent: read("--prism-source"),
    grid: read("--border-color-primary"),
    text: read("--body-text-color"),
    subdued: read("--body-text-color-subdued"),
    whiteKey: read("--background-fill-primary"),
    notes: noteColours(style),
  };
}

function paintRows(pen, space, colour) {
  pen.fillStyle = colour.grid;
  pen.globalAlpha = 0.28;
  for (let pitch = space.low; pitch <= space.high; pitch += 1) {
    if (BLACK_KEYS.has(pitch % 12)) pen.fillRect(0, space.y(pitch), space.width, space.row);
  }
  pen.globalAlpha = 1;
}

function paintBars(pen, space, colour, piece, view) {
  pen.fillStyle = colour.grid;
  const seen = (beat) => beat > view.first - piece.bar && beat <= space.last;
  for (const beat of [...piece.bars, piece.beats].filter(seen)) {
    pen.fillRect(Math.round(space.x(beat)), 0, 1, space.height);
  }
  // Lanes have one ruler above them all.
  if (view.shared || space.beatWidth * piece.bar < 44 * space.scale) return;
  pen.fillStyle = colour.subdued;
  piece.bars.forEach((beat, bar) => {
    if (seen(beat)) pen.fillText(bar + 1, space.x(beat) + 4, 8 * space.scale);
  });
}

function paintLoop(pen, space, colour, loop, beats = Infinity) {
  if (loop.from <= 0 && loop.to >= beats) return; // a tint over everything says nothing
  const left = space.x(loop.from);
  const right = space.x(loop.to);
  pen.fillStyle = colour.accent;
  pen.globalAlpha = 0.12;
  pen.fillRect(left, 0, right - left, space.height);
  pen.globalAlpha = 1;
  pen.fillRect(left, 0, right - left, 3);
}

const soundsAt = ([, start, duration], beat) => beat >= start && beat < start + duration;

// A note that sounds stands out: dark on light or light on dark, with a glow of the source's colour.
function paintLit(pen, space, colour, left, top, width, height) {
  const glow = 3 * space.scale;
  pen.fillStyle = colour.accent;
  pen.globalAlpha = 0.35;
  pen.fillRect(left - glow, top - glow, width + 2 * glow, height + 2 * glow);
  pen.globalAlpha = 1;
  pen.fillStyle = colour.text;
  pen.fillRect(left, top - 1, width, height + 2);
}

function paintNotes(pen, space, colour, piece, view) {
  const gap = space.row > 4 ? 1 : 0;
  const lights = view.playing && view.heard && view.beat < piece.beats;
  for (const note of piece.notes) {
    const [pitch, start, duration, velocity] = note;
    if (start > space.last || start + duration < view.first) continue;
    const left = space.x(start);
    const width = Math.max(1.5, space.x(start + duration) - left - 0.75);
    const place = [left, space.y(pitch), width, Math.max(2, space.row - gap)];
    pen.fillStyle = noteColour(colour.notes, view.colours, pitch, velocity);
    if (lights && soundsAt(note, view.beat)) paintLit(pen, space, colour, ...place);
    else pen.fillRect(...place);
  }
}

function pressedKeys(piece, view) {
  if (!view.playing || !view.heard) return new Set();
  return new Set(piece.notes.filter((note) => soundsAt(note, view.beat)).map((note) => note[0]));
}

function paintKey(pen, space, colour, pitch, pressed) {
  const top = space.y(pitch);
  const black = BLACK_KEYS.has(pitch % 12);
  if (pressed || black) {
    pen.fillStyle = pressed ? colour.accent : colour.subdued;
    pen.fillRect(0, top, black ? space.keys * 0.52 : space.keys, space.row);
  }
  if (pitch % 12 === 0 || pitch % 12 === 5) {
    // Two white keys meet: B and C, E and F.
    pen.fillStyle = colour.grid;
    pen.fillRect(0, top + space.row, space.keys, 1);
  }
  if (pitch % 12 === 0) {
    pen.fillStyle = colour.text;
    const middle = Math.max(top + space.row / 2, 6 * space.scale); // not cut off at the top
    pen.fillText(`C${pitch / 12 - 1}`, space.keys - 15 * space.scale, middle);
  }
}

function paintKeyboard(pen, space, colour, piece, view) {
  const pressed = pressedKeys(piece, view);
  pen.fillStyle = colour.whiteKey;
  pen.fillRect(0, 0, space.keys, space.height);
  for (let pitch = space.low; pitch <= space.high; pitch += 1) {
    paintKey(pen, space, colour, pitch, pressed.has(pitch));
  }
  pen.fillStyle = colour.grid;
  pen.fillRect(space.keys - 1, 0, 1, space.height);
}

function paintPlayhead(pen, space, colour, beat) {
  const x = Math.min(space.x(beat), space.width - 2);
  if (x < space.keys - 1) return;
  pen.fillStyle = colour.text;
  pen.fillRect(x, 0, 2, space.height);
}

// A pen in CSS pixels, or nothing where the canvas is not laid out.
function cleanPen(canvas) {
  const scale = window.devicePixelRatio || 1;
  const width = Math.round(canvas.clientWidth * scale);
  const height = Math.round(canvas.clientHeight * scale);
  if (!width || !height) return null;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  pen.font = `${9 * typeScale()}px system-ui, sans-serif`;
  pen.textBaseline = "middle";
  return pen;
}

function paint(canvas, colour, piece, view) {
  const pen = cleanPen(canvas);
  if (!pen) return;
  const space = geometry(canvas, piece, view);
  paintRows(pen, space, colour);
  paintBars(pen, space, colour, piece, view);
  if (view.loop) paintLoop(pen, space, colour, view.loop, piece.beats);
  paintNotes(pen, space, colour, piece, view);
  // Lanes have one playhead across them all.
  if (piece.notes.length && !view.shared) paintPlayhead(pen, space, colour, view.beat);
  paintKeyboard(pen, space, colour, piece, view);
}
