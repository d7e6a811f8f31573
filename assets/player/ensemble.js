// Several players as one: all run together at the same beat, and all but one are silent, so that a
// switch only changes which is muted. Positions are in beats except where a name says seconds.
const ALIGN_EVERY_MS = 100;
const APART_SECONDS = 0.25; // further apart than this, a silent source jumps
const CATCH_UP_SECONDS = 0.25; // nearer, it runs faster or slower for about so long
const LARGEST_CORRECTION = 0.5;
const TOGETHER_SECONDS = 0.02; // nearer than this, nobody hears it
const RATES = [0.0625, 16]; // what browsers play

class Source {
  constructor(player) {
    this.player = player;
    this.audio = player.querySelector("audio");
  }

  get name() { return this.player.dataset.name; }
  get hasNotes() { return this.player.dataset.state !== "empty"; }
  get ready() { return this.audio.hasAttribute("src"); }
  get tempo() { return Number(this.player.dataset.tempo); }
  get beats() { return Number(this.player.dataset.beats); }
  get bar() { return Number(this.player.dataset.bar); }
  get bars() { return (this.player.dataset.bars || "0").split(",").map(Number); }
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
    this.sources = [];
    this.heard = 0;
    this.factor = 1;
    this.volume = 1;
    this.aligned = 0;
    this.view = {
      beat: 0, playing: false, first: 0, span: SPANS[0], following: true, colours: "velocity",
      loop: null,
    };
  }

  get current() { return this.sources[this.heard]; }
  get beats() { return this.current?.beats ?? SPANS[0]; }
  get bar() { return this.current?.bar ?? 4; }
  get bars() { return this.current?.bars ?? [0]; }
  get now() { return this.view.playing ? this.current.beat : this.view.beat; }

  indexOf(player) { return this.sources.findIndex((source) => source.player === player); }

  join(sources) {
    const known = this.sources;
    this.sources = sources;
    for (const source of sources) if (!known.includes(source)) this.attend(source);
    this.changed();
  }

  attend(source) {
    source.audio.addEventListener("pause", () => this.heardStopped(source.audio));
    // Frames stop in a hidden tab, this does not.
    source.audio.addEventListener("timeupdate", () => this.view.playing && this.tick());
    this.renew(source);
  }

  // ---- playing ----

  play() {
    if (!this.current?.ready) this.heard = this.sources.findIndex((source) => source.ready);
    if (this.heard < 0) {
      this.heard = 0;
      return false;
    }
    const { view } = this;
    if (view.beat >= this.beats) view.beat = view.loop?.from ?? 0;
    view.playing = view.following = true;
    this.silenceStrangers();
    this.setLevels();
    for (const source of this.sources.filter(({ ready }) => ready)) {
      const wanted = source.seconds(view.beat);
      if (Math.abs(source.beat - view.beat) > 0.01) source.audio.currentTime = wanted;
      this.begin(source);
    }
    this.run();
    return true;
  }

  begin(source) {
    source.audio.play().catch((error) => {
      // An interrupted start is no failure: a pause or new music came in between.
      if (error.name === "AbortError" || source !== this.current) return;
      this.pause();
      this.refused(error);
    });
  }

  pause() {
    this.view.playing = false;
    for (const { audio } of this.sources) audio.pause();
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
    const own = new Set(this.sources.map(({ audio }) => audio));
    for (const audio of document.querySelectorAll(".prism-player audio")) {
      if (!own.has(audio)) audio.pause();
    }
  }

  hear(index) {
    if (!this.sources[index]?.ready) return false;
    // Where this one has come to its end, all begin anew.
    if (this.now >= this.sources[index].beats) this.seek(this.view.loop?.from ?? 0);
    const wanted = this.sources[index].seconds(this.now);
    this.heard = index;
    const { audio } = this.current;
    if (Math.abs(audio.currentTime - wanted) > TOGETHER_SECONDS) audio.currentTime = wanted;
    this.setLevels();
    if (this.view.playing && audio.paused) this.begin(this.current);
    this.changed();
    return true;
  }

  // ---- a common beat ----

  rateOf(source) { return (this.factor * this.current.tempo) / source.tempo; }

  // Who is loud, how loud, and how fast; the heard one first, so that there is no silence between.
  setLevels() {
    const silent = this.sources.filter((source) => source !== this.current);
    for (const source of [this.current, ...silent]) {
      source.audio.volume = this.volume;
      source.audio.muted = source !== this.current;
      source.setRate(this.rateOf(source));
    }
  }

  seek(beat) {
    const { view } = this;
    view.beat = clamped(beat, 0, this.beats);
    view.following = true;
    for (const source of this.sources.filter(({ ready }) => ready)) {
      source.audio.currentTime = source.seconds(view.beat);
      if (view.playing && source.audio.paused) this.begin(source);
    }
    followPlayhead(view, this.beats, this.bar);
    this.changed();
  }

  align(source) {
    const { audio } = source;
    if (audio.seeking || audio.ended || !source.ready) return;
    if (audio.paused) this.begin(source);
    const late = source.seconds(this.view.beat) - audio.currentTime;
    if (Math.abs(late) > APART_SECONDS) audio.currentTime = source.seconds(this.view.beat);
    else {
      const wanted = clamped(late / CATCH_UP_SECONDS, -LARGEST_CORRECTION, LARGEST_CORRECTION);
      source.setRate(this.rateOf(source) * (1 + Math.round(wanted * 100) / 100));
    }
  }

  alignAll() {
    if (performance.now() - this.aligned < ALIGN_EVERY_MS || this.current.audio.seeking) return;
    this.aligned = performance.now();
    for (const source of this.sources) if (source !== this.current) this.align(source);
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

  // Bars that are looped stay so where the new piece has them, too, as one that was redrawn.
  hasBars(loop) {
    const ends = loop ? [loop.from, loop.to] : [];
    return loop && ends.every((beat) => beat === this.beats || this.bars.includes(beat));
  }

  // A source's sound came, changed or went; `again` if the music is the same.
  renew(source, again = false) {
    const { view } = this;
    if (again) source.audio.currentTime = source.seconds(view.beat);
    else if (source === this.current) {
      if (view.playing) this.pause();
      if (!this.hasBars(view.loop)) {
        view.first = 0;
        view.loop = view.loop && { from: 0, to: this.beats };
      }
      view.beat = view.loop?.from ?? 0;
    }
    this.setLevels();
    if (view.playing && source.ready) this.begin(source);
    this.changed();
  }
}
