// What part of a piece is seen. A view holds `beat` (where the playhead stands), `first` (the beat
// at the left edge), `span` (beats seen, the widest being the whole piece) and `following`
// (whether it goes with the playhead). The player and the transport use the same functions, also to
// put a position into words.
const SPANS = [64, 32, 16, 8];

const clamped = (value, low, high) => Math.max(low, Math.min(value, high));

// Of several lanes the longest, `whole`, sets the scale.
const spanOf = (view, beats) =>
  (view.span >= SPANS[0] ? Math.max(beats, view.whole ?? 0) : Math.min(view.span, beats));

function scrollTo(view, first, beats) {
  view.first = clamped(first, 0, beats - spanOf(view, beats));
}

// Turns the page when the playhead leaves it; bars begin at the left edge.
function followPlayhead(view, beats, bar) {
  const inside = view.beat >= view.first && view.beat < view.first + spanOf(view, beats);
  if (view.following && !inside) scrollTo(view, Math.floor(view.beat / bar) * bar, beats);
}

function zoomTo(view, span, beats, bar) {
  view.span = span;
  view.following = true;
  const before = Math.floor(spanOf(view, beats) / 4 / bar) * bar;
  scrollTo(view, Math.floor(view.beat / bar) * bar - before, beats);
}

const nextSpan = (span, steps) => SPANS[clamped(SPANS.indexOf(span) + steps, 0, SPANS.length - 1)];

// Which bar a beat lies in, from 0, by the beats at which bars begin.
const barAt = (bars, beat) => Math.max(0, bars.findLastIndex((start) => start <= beat + 1e-6));

// A playhead speaks in beats counted from one, as musicians do.
const beatName = (beat, beats) => Math.min(Math.floor(beat + 1e-6) + 1, beats);

function clock(seconds) {
  const whole = Math.floor(seconds + 1e-6);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

// Many a time a second: only what is new touches the page.
function put(place, text) {
  if (place.textContent !== text) place.textContent = text;
}
