"""Rolls → sound.

FluidSynth renders where its library is installed: 64 beats take about 0.2 s of one core at 32 kHz
with reverb (44.1 kHz: 0.27 s). symusic's synthesiser needs only pip and takes a third of the time,
but it plays every velocity alike and has no reverb: it is the second choice, and plays a layer a
loudness, and everything twice (see `_render_symusic`).

Conventions
-----------
soundfont
    `PRISM_SOUNDFONT`, else the first of `SYSTEM_SOUNDFONTS` that is installed, else the one that
    pretty_midi brings. symusic, whose level is set by the latter, does not look for others.
level
    One fixed gain, so that two rolls can be compared by ear; what would exceed full scale is bent
    softly below it.
length
    The roll's own length plus `TAIL_SECONDS` for the last notes to die away.
samples
    float32, −1 to 1, shape=(n,), at `SAMPLE_RATE`. One channel: the two of the default soundfont
    differ by 1 %.
"""

from __future__ import annotations

import importlib.util
import os
import pathlib
import types
import wave

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT, PianoRoll

SAMPLE_RATE = 32_000
TAIL_SECONDS = 1.5
SOUNDFONT_VARIABLE = "PRISM_SOUNDFONT"
# Under the MIT licence, by what Debian's packages (fluidr3mono-gm-soundfont, fluid-soundfont-gm)
# say. The same piano: the first is smaller and as fast as pretty_midi's, the second a fifth slower.
# MuseScore's takes 1.3 s to play 64 beats, so it is used only if it is named.
SYSTEM_SOUNDFONTS = (
    pathlib.Path("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3"),
    pathlib.Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
)

_FLUIDSYNTH_GAIN = 1.0
_FLUIDSYNTH_LEVEL = 2.0 / 32768
# Brings symusic's output to the loudness FluidSynth gives the same notes.
_SYMUSIC_LEVEL = 4.3
_SYMUSIC_LAYER = 16
_SYMUSIC_TRIES = 5
# Below the softest note's.
_LEAST_SOUND = 1e-5
# Above it symusic repeats some instruments' loops, which have become shorter than a sample, without
# end. What is higher is played an octave lower; a piano has no such notes.
_SYMUSIC_HIGHEST = 96
_SOFT_KNEE = 0.8


class SynthesisError(RuntimeError):
    """Nothing to play with: no soundfont or no synthesiser; the message says what to do."""


def soundfont_path() -> pathlib.Path:
    """The soundfont in use, see Conventions; raises SynthesisError if it is not there."""
    if named := os.environ.get(SOUNDFONT_VARIABLE):
        path, advice = pathlib.Path(named), f"correct or unset {SOUNDFONT_VARIABLE}"
    else:
        path = _installed_soundfont()
        advice = f"reinstall pretty_midi or set {SOUNDFONT_VARIABLE} to an .sf2 file"
    if not path.is_file():
        raise SynthesisError(f"no soundfont at {path}; {advice}")
    return path


def _installed_soundfont() -> pathlib.Path:
    """The system's first, or else pretty_midi's, there or not."""
    installed = [path for path in SYSTEM_SOUNDFONTS if path.is_file()]
    if installed and _fluidsynth() is not None:
        return installed[0]
    package = importlib.util.find_spec("pretty_midi")
    folder = pathlib.Path(package.origin).parent if package else pathlib.Path()
    return folder / "TimGM6mb.sf2"


def sound_words() -> str:
    """By what rolls are played, for example ``"FluidSynth with the soundfont FluidR3_GM.sf2"``.

    Raises SynthesisError if there is no soundfont.
    """
    player = "symusic" if _fluidsynth() is None else "FluidSynth"
    return f"{player} with the soundfont {soundfont_path().name}"


def synthesise(roll: PianoRoll, program: int = 0) -> np.ndarray:
    """The samples of a roll played on a program of `prism.music.instruments`, silence for silence.

    Raises SynthesisError if there is no soundfont, it cannot be read, or no synthesiser is
    installed.
    """
    length = round((roll.seconds + TAIL_SECONDS) * SAMPLE_RATE)
    if not roll.onset.any():
        return np.zeros(length, np.float32)
    soundfont, fluidsynth = soundfont_path(), _fluidsynth()
    if fluidsynth is None:
        return _softly_limited(_render_symusic(roll, program, length, soundfont))
    return _softly_limited(_render_fluidsynth(fluidsynth, roll, program, length, soundfont))


def write_wav(samples: np.ndarray, path: str | os.PathLike) -> None:
    """Write what `synthesise` made, in 16 bits."""
    with wave.open(os.fspath(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())


def _softly_limited(samples: np.ndarray) -> np.ndarray:
    """Leave what is below the knee; bend the rest so that it never reaches 1."""
    size = np.abs(samples)
    loud = size > _SOFT_KNEE
    room = 1 - _SOFT_KNEE
    bent = _SOFT_KNEE + room * np.tanh((size[loud] - _SOFT_KNEE) / room)
    samples[loud] = np.copysign(bent, samples[loud])
    return samples


def _fluidsynth() -> types.ModuleType | None:
    """pyfluidsynth, or None where it or the system library it looks for is missing."""
    try:
        import fluidsynth
    except (ImportError, OSError, AttributeError):
        return None
    return fluidsynth


def _sample_positions(roll: PianoRoll, frames: np.ndarray) -> np.ndarray:
    seconds_per_frame = 60.0 / (roll.tempo * FRAMES_PER_BEAT)
    return np.rint(frames * seconds_per_frame * SAMPLE_RATE).astype(np.int64)


def _render_fluidsynth(
    fluidsynth: types.ModuleType,
    roll: PianoRoll,
    program: int,
    length: int,
    soundfont: pathlib.Path,
) -> np.ndarray:
    synth = fluidsynth.Synth(gain=_FLUIDSYNTH_GAIN, samplerate=float(SAMPLE_RATE))
    try:
        synth.setting("synth.chorus.active", 0)
        # Read one instrument and leave the others: else large soundfonts take a second.
        synth.setting("synth.dynamic-sample-loading", 1)
        synth.set_reverb(0.4, 0.3, 0.8, 0.3)
        bank = synth.sfload(os.fspath(soundfont))
        if bank < 0 or synth.program_select(0, bank, 0, program) < 0:
            raise SynthesisError(
                f"soundfont {soundfont} cannot be read or has no program {program}; "
                f"set {SOUNDFONT_VARIABLE} to a General MIDI .sf2 file"
            )
        return _play(synth, roll, length)
    finally:
        synth.delete()


def _play(synth, roll: PianoRoll, length: int) -> np.ndarray:
    """Send note-offs, then note-ons, frame by frame, and collect the sound in between."""
    pitch, start, end, velocity = roll.arrays()
    times = np.unique(np.concatenate([start, end]))
    positions = np.append(_sample_positions(roll, times), length)
    pieces = [np.zeros(2 * positions[0], np.int16)]
    for time, count in zip(times, np.diff(positions), strict=True):
        for key in pitch[end == time]:
            synth.noteoff(0, int(key))
        for key, loudness in zip(pitch[start == time], velocity[start == time], strict=True):
            synth.noteon(0, int(key), int(loudness))
        pieces.append(synth.get_samples(int(count)))
    samples = np.concatenate(pieces).reshape(-1, 2)
    return samples.mean(axis=1, dtype=np.float32) * np.float32(_FLUIDSYNTH_LEVEL)


def _render_symusic(
    roll: PianoRoll, program: int, length: int, soundfont: pathlib.Path
) -> np.ndarray:
    """As `_layered`, once two of at most five renderings agree.

    On one machine symusic's sound was now and then no number, or silent but for single samples,
    though the same notes have the same sound elsewhere in a thousand renderings; why is not known.
    """
    heard: list[np.ndarray] = []
    for _ in range(_SYMUSIC_TRIES):
        samples = _layered(roll, program, length, soundfont)
        # Other instruments than the piano have no sound for some keys.
        if np.isfinite(samples).all() and (program or _is_heard(samples, roll)):
            if any(np.array_equal(samples, before) for before in heard):
                return samples
            heard.append(samples)
    raise SynthesisError(
        "symusic's sound is broken; install FluidSynth (apt-get install libfluidsynth3)"
    )


def _is_heard(samples: np.ndarray, roll: PianoRoll) -> bool:
    """Whether nine notes of ten begin with a sound, be it one that sounds already."""
    begins = _sample_positions(roll, roll.arrays()[1])
    sounds = np.append(0, np.cumsum(np.abs(samples) > _LEAST_SOUND))
    ends = np.minimum(begins + SAMPLE_RATE // 10, len(samples))
    return np.mean(sounds[ends] > sounds[begins]) >= 0.9


def _layered(roll: PianoRoll, program: int, length: int, soundfont: pathlib.Path) -> np.ndarray:
    """One rendering a layer of like velocities, weighted by the General MIDI curve v²."""
    try:
        import symusic

        synthesiser = symusic.Synthesizer(os.fspath(soundfont), SAMPLE_RATE)
    except ImportError as error:
        raise SynthesisError(
            "no synthesiser: install FluidSynth (apt-get install libfluidsynth3) "
            "or run: pip install symusic"
        ) from error
    except (RuntimeError, ValueError, OSError) as error:
        raise SynthesisError(
            f"soundfont {soundfont} cannot be read ({error}); "
            f"set {SOUNDFONT_VARIABLE} to a General MIDI .sf2 file"
        ) from error
    pitch, start, end, velocity = roll.arrays()
    layers = (velocity.astype(int) - 1) // _SYMUSIC_LAYER
    samples = np.zeros(length, np.float32)
    for layer in np.unique(layers):
        mine = layers == layer
        score = _symusic_score(symusic, roll, program, pitch[mine], start[mine], end[mine])
        sound = np.asarray(synthesiser.render(score, True)).mean(axis=0)[:length]
        loudness = (velocity[mine].mean() / 127) ** 2
        samples[: len(sound)] += np.float32(_SYMUSIC_LEVEL * loudness) * sound
    return samples


def _symusic_score(
    symusic: types.ModuleType,
    roll: PianoRoll,
    program: int,
    pitch: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
):
    """A score in seconds; a last note beyond the end keeps the tail from being cut off."""
    starts = _sample_positions(roll, start) / SAMPLE_RATE
    durations = _sample_positions(roll, end - start) / SAMPLE_RATE
    notes = [*zip(starts, durations, pitch, strict=True), (roll.seconds + TAIL_SECONDS, 0.1, 60)]
    track = symusic.Track("music", program, False, ttype="second")
    for time, duration, key in notes:
        if program and key > _SYMUSIC_HIGHEST:
            key -= 12
        track.notes.append(symusic.Note(time, duration, int(key), 100, ttype="second"))
    score = symusic.Score(1000, ttype="second")
    score.tracks.append(track)
    return score
