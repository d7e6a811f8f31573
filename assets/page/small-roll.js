// A roll as small as a stamp, of pitch, start and end (frames) of every note, one after another.
const LOWEST = 28;
const HIGHEST = 96;
const FRAMES = 256;

function paintSmall(canvas, notes) {
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(canvas.clientWidth * scale);
  canvas.height = Math.round(canvas.clientHeight * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = getComputedStyle(canvas).getPropertyValue("--prism-prism").trim();
  const row = canvas.height / (HIGHEST - LOWEST);
  for (let at = 0; at < notes.length; at += 3) {
    const [pitch, start, end] = notes.slice(at, at + 3);
    const left = (start / FRAMES) * canvas.width;
    const width = Math.max(1, ((end - start) / FRAMES) * canvas.width);
    pen.fillRect(left, (HIGHEST - pitch) * row, width, Math.max(1.5, row));
  }
}
