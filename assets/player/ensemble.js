// Several players as one: all run together at the same beat, and all but one are silent, so that a
// switch only changes which is muted. Positions are in beats except where a name says seconds.
const ALIGN_EVERY_MS = 100;
const APART_SECONDS = 0.25; // further apart than this, a silent side jumps
const CATCH_UP_SECONDS = 0.25; // nearer, it runs faster or slower for about so long
const LARGEST_CORRECTION = 0.5;
const TOGETHER_SECONDS = 0.02; // nearer than this, nobody hears it
const RATES = [0.0625, 16]; // what browsers play

class Side {
  constructor(player) {
    this.player = player;
    this.audio = player.querySelector("audio");
  }

  get ready() { return this.audio.hasAttribute("src"); }
  get tempo() { return Number(this.player.dataset.tempo); }
  get beats() { return Number(this.player.dataset.beats); }
  get bar() { return Number(this.player.dataset.bar); }
  get beat() { return (this.audio.currentTime * this.tempo) / 60; }

  seconds(beat) { return (beat * 60) / this.tempo; }

  setRate(rate) {
    const wanted = clamped(rate, ...RATES);
    if (Math.abs(this.audio.playbackRate - wanted) > 1e-4) this.audio.playbackRate = wanted;
  }
}

class Ensemble {
  // `changed` is called whenever there is something new to show, `refused` when a browser will not
  // play, with its error.
  constructor(changed, refused) {
    this.changed = changed;
    this.refused = refused;
    this.sides = [];
    this.heard = 0;
    this.factor = 1;
    this.volume = 1;
    this.aligned = 0;
    this.view = {
      beat: 0, playing: false, first: 0, span: SPANS[0], following: true, colours: "velocity",
      loop: null,
    };
  }

  get current() { return this.sides[this.heard]; }
  get beats() { return this.current?.beats ?? SPANS[0]; }
  get bar() { return this.current?.bar ?? 4; }
  get now() { return this.view.playing ? this.current.beat : this.view.beat; }

  indexOf(player) { return this.sides.findIndex((side) => side.player === player); }

  join(sides) {
    const known = this.sides;
    this.sides = sides;
    for (const side of sides) if (!known.includes(side)) this.attend(side);
    this.changed();
  }

  attend(side) {
    side.audio.addEventListener("pause", () => this.heardStopped(side.audio));
    // Frames stop in a hidden tab, this does not.
    side.audio.addEventListener("timeupdate", () => this.view.playing && this.tick());
    this.renew(side);
  }

  // ---- playing ----

  play() {
    if (!this.current?.ready) this.heard = this.sides.findIndex((side) => side.ready);
    if (this.heard < 0) {
      this.heard = 0;
      return false;
    }
    const { view } = this;
    if (view.beat >= this.beats) view.beat = view.loop?.from ?? 0;
    view.playing = view.following = true;
    this.silenceStrangers();
    this.setLevels();
    for (const side of this.sides.filter(({ ready }) => ready)) {
      if (Math.abs(side.beat - view.beat) > 0.01) side.audio.currentTime = side.seconds(view.beat);
      this.begin(side);
    }
    this.run();
    return true;
  }

  begin(side) {
    side.audio.play().catch((error) => {
      // An interrupted start is no failure: a pause or new music came in between.
      if (error.name === "AbortError" || side !== this.current) return;
      this.pause();
      this.refused(error);
    });
  }

  pause() {
    this.view.playing = false;
    for (const { audio } of this.sides) audio.pause();
    this.changed();
  }

  // Another player took over, or the piece came to its end.
  heardStopped(audio) {
    if (this.view.playing && audio === this.current.audio && audio.paused) {
      if (audio.ended && this.view.loop) this.seek(this.view.loop.from);
      else this.pause();
    }
  }

  silenceStrangers() {
    const own = new Set(this.sides.map(({ audio }) => audio));
    for (const audio of document.querySelectorAll(".prism-player audio")) {
      if (!own.has(audio)) audio.pause();
    }
  }

  hear(index) {
    if (!this.sides[index]?.ready) return false;
    const wanted = this.sides[index].seconds(this.now);
    this.heard = index;
    const { audio } = this.current;
    if (Math.abs(audio.currentTime - wanted) > TOGETHER_SECONDS) audio.currentTime = wanted;
    this.setLevels();
    if (this.view.playing && audio.paused) this.begin(this.current);
    this.changed();
    return true;
  }

  // ---- a common beat ----

  rateOf(side) { return (this.factor * this.current.tempo) / side.tempo; }

  // Who is loud, how loud, and how fast; the heard side first, so that there is no silence between.
  setLevels() {
    const silent = this.sides.filter((side) => side !== this.current);
    for (const side of [this.current, ...silent]) {
      side.audio.volume = this.volume;
      side.audio.muted = side !== this.current;
      side.setRate(this.rateOf(side));
    }
  }

  seek(beat) {
    const { view } = this;
    view.beat = clamped(beat, 0, this.beats);
    view.following = true;
    for (const side of this.sides.filter(({ ready }) => ready)) {
      side.audio.currentTime = side.seconds(view.beat);
      if (view.playing && side.audio.paused) this.begin(side);
    }
    followPlayhead(view, this.beats, this.bar);
    this.changed();
  }

  align(side) {
    const { audio } = side;
    if (audio.seeking || audio.ended || !side.ready) return;
    if (audio.paused) this.begin(side);
    const late = side.seconds(this.view.beat) - audio.currentTime;
    if (Math.abs(late) > APART_SECONDS) audio.currentTime = side.seconds(this.view.beat);
    else {
      const wanted = clamped(late / CATCH_UP_SECONDS, -LARGEST_CORRECTION, LARGEST_CORRECTION);
      side.setRate(this.rateOf(side) * (1 + Math.round(wanted * 100) / 100));
    }
  }

  alignAll() {
    if (performance.now() - this.aligned < ALIGN_EVERY_MS || this.current.audio.seeking) return;
    this.aligned = performance.now();
    for (const side of this.sides) if (side !== this.current) this.align(side);
  }

  tick() {
    const { view, current } = this;
    view.beat = Math.min(current.beat, current.beats);
    if (view.loop && view.beat >= Math.min(view.loop.to, current.beats)) {
      return this.seek(view.loop.from);
    }
    this.alignAll();
    followPlayhead(view, current.beats, current.bar);
    this.changed();
  }

  run() {
    if (!this.view.playing) return;
    this.tick();
    requestAnimationFrame(() => this.run());
  }

  // A side's sound came, changed or went.
  renew(side) {
    const { view } = this;
    if (side === this.current) {
      if (view.playing) this.pause();
      view.beat = view.first = 0;
      view.loop = view.loop && { from: 0, to: this.beats };
    }
    this.setLevels();
    if (view.playing && side.ready) this.begin(side);
    this.changed();
  }
}
