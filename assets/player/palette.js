// The colours of notes, for the rolls and for their legend.
const VELOCITY_LEVELS = 16;
const PITCH_CLASSES = ["C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B"];

// Around the circle of fifths: keys that are near each other look alike, semitones do not.
const hueOf = (pitchClass) => ((pitchClass * 7) % 12) * 30 + 20;

function noteColours(style) {
  const read = (name) => style.getPropertyValue(name).trim();
  const soft = read("--prism-soft");
  const loud = read("--prism-loud");
  const lightness = read("--prism-pitch-lightness");
  const mixed = (level) => (100 * level) / (VELOCITY_LEVELS - 1);
  return {
    velocity: Array.from(
      { length: VELOCITY_LEVELS },
      (_, level) => `color-mix(in oklab, ${loud} ${mixed(level)}%, ${soft})`,
    ),
    pitch: PITCH_CLASSES.map((_, i) => `oklch(${lightness} 0.13 ${hueOf(i)})`),
  };
}

function noteColour(colours, choice, pitch, velocity) {
  if (choice === "pitch") return colours.pitch[pitch % 12];
  return colours.velocity[Math.floor((velocity * VELOCITY_LEVELS) / 128)];
}
