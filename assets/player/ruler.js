// The ruler over the lanes: the bars of the piece that is heard, and where the playhead stands.
function rulerSpace(canvas, view, beats) {
  const keys = keyboardWidth();
  const span = spanOf(view, beats);
  const beatWidth = (canvas.clientWidth - keys) / span;
  return { keys, beatWidth, span, x: (beat) => keys + (beat - view.first) * beatWidth };
}

// The least number of bars between two numbers that leaves room for them.
function barsPerNumber(barWidth) {
  return [1, 2, 4, 8, 16].find((count) => count * barWidth >= 34 * typeScale()) ?? 32;
}

function paintRuler(canvas, colour, view, bars, beats) {
  const pen = cleanPen(canvas);
  if (!pen) return;
  const { keys, beatWidth, span, x } = rulerSpace(canvas, view, beats);
  const [height, scale] = [canvas.clientHeight, typeScale()];
  const every = barsPerNumber(beatWidth * ((bars[2] ?? beats) - (bars[1] ?? 0) || beats));
  pen.font = `${11 * scale}px system-ui, sans-serif`;
  bars.forEach((beat, bar) => {
    if (beat < view.first - 1e-6 || beat >= view.first + span) return;
    const numbered = bar % every === 0;
    pen.fillStyle = colour.grid;
    pen.fillRect(Math.round(x(beat)), numbered ? 0 : height * 0.6, 1, height);
    pen.fillStyle = colour.subdued;
    if (numbered) pen.fillText(bar + 1, x(beat) + 4, height / 2);
  });
  pen.fillStyle = colour.subdued;
  pen.fillText("Bar", 2, height / 2);
  if (view.loop) {
    pen.fillStyle = colour.accent;
    const left = Math.max(keys, x(view.loop.from));
    pen.fillRect(left, height - 3, Math.max(0, x(view.loop.to) - left), 3);
  }
}
