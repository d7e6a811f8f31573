"""Notes, pieces and piano rolls, which every part of Prism shares.

Conventions
-----------
beat
    One quarter note, whatever the time signature says.
tick
    ``1 / TICKS_PER_BEAT`` of a beat; pieces are stored in ticks, so sixteenths and triplets are
    exact.
frame
    One roll column, a quarter of a beat. A start rounds to the nearest frame (halves up),
    so does an end, and a note lasts at least one frame.
pitch
    MIDI number. Rolls hold the 88 piano keys, 21 (A0) to 108 (C8); others are dropped.
velocity
    MIDI loudness, 1 to 127, stored where a note begins; 0 where none does.
overlap
    A later onset on the same pitch cuts the earlier note; of two notes that begin together the
    longer one stays (of two equally long, the louder).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from prism.music.timing import FRAMES_PER_BEAT, TICKS_PER_FRAME, Timing, bar_ticks
from prism.music.timing import TICKS_PER_BEAT as TICKS_PER_BEAT

BEATS = 64
FRAMES = BEATS * FRAMES_PER_BEAT
LOWEST_PITCH = 21
KEYS = 88
DEFAULT_TEMPO = 100.0
DEFAULT_VELOCITY = 80


class Note(NamedTuple):
    """One note: MIDI pitch, start and duration in beats, velocity 1 to 127."""

    pitch: int
    start: float
    duration: float
    velocity: int = DEFAULT_VELOCITY

    @property
    def end(self) -> float:
        """Beat at which the key is let go."""
        return self.start + self.duration


@dataclasses.dataclass(frozen=True)
class Piece:
    """A whole piece of music.

    Parameters
    ----------
    identifier : str
        Unique within a corpus, for example ``"bach/bwv1.6.mxl"``.
    title, label, source, terms : str
        `label` is its composer or collection, `source` the file it came from.
    notes : ndarray of int32, shape=(n, 4)
        Columns start (ticks), duration (ticks), pitch, velocity; sorted by start, then pitch.
    bars : ndarray of int32, shape=(m,)
        Ticks at which a full bar begins. A pick-up bar is not listed.
    tempo : float
        Quarter notes a minute, on average from the first note to the end.
    time_signature : (int, int)
        The one that most beats lie in: beats in a bar, beat unit.
    group : str
        Pieces that share a group (versions of one song) stay in one split.
    tempo_changes : ndarray of float, shape=(k, 2)
        Ticks and the quarter notes a minute that hold from there on; empty for one tempo.
    signature_changes : ndarray of int, shape=(k, 3)
        Ticks and the beats and unit that hold from there on. Where they are empty, as for scores,
        a change of metre is known from the bars alone; see `prism.music.timing`.
    source_title : str
        What its file says where another title is shown; empty where it is the same.
    """

    identifier: str
    title: str
    label: str
    source: str
    terms: str
    notes: np.ndarray
    bars: np.ndarray
    tempo: float = DEFAULT_TEMPO
    time_signature: tuple[int, int] = (4, 4)
    group: str = ""
    tempo_changes: np.ndarray = dataclasses.field(default_factory=lambda: np.zeros((0, 2)))
    signature_changes: np.ndarray = dataclasses.field(
        default_factory=lambda: np.zeros((0, 3), np.int32)
    )
    source_title: str = ""

    @property
    def ticks(self) -> int:
        """The end of the last note; 0 without any."""
        return int((self.notes[:, 0] + self.notes[:, 1]).max()) if len(self.notes) else 0

    @property
    def timing(self) -> Timing:
        """Its metre and tempo, for any part of it."""
        return Timing(
            self.bars,
            self.tempo,
            self.time_signature,
            self.tempo_changes,
            self.signature_changes,
            end=self.ticks,
        )

    def with_title(self, title: str) -> Piece:
        """The same shown under another title; what its file says is kept."""
        written = self.source_title or self.title
        source_title = "" if written == title else written
        return dataclasses.replace(self, title=title, source_title=source_title)

    def summed_up(self) -> Piece:
        """The same with the tempo and the time signature of all that sounds."""
        timing, first = self.timing, int(self.notes[0, 0]) if len(self.notes) else 0
        return dataclasses.replace(
            self,
            tempo=timing.tempo_in(first, timing.end),
            time_signature=timing.time_signature_in(first, timing.end),
        )

    def window(self, start_tick: int = 0, frames: int = FRAMES) -> PianoRoll:
        """Cut out a roll; a note held over from before it is struck at its first frame."""
        starts = self.notes[:, 0] - start_tick
        start, end = (
            (ticks + TICKS_PER_FRAME // 2) // TICKS_PER_FRAME
            for ticks in (starts, starts + self.notes[:, 1])
        )
        # Before clipping, or a note cut or let go ahead of the window would be struck in it.
        pitch, start, end, velocity = without_overlaps(
            self.notes[:, 2], start, np.maximum(end, start + 1), self.notes[:, 3]
        )
        heard = end > 0
        return PianoRoll.from_arrays(
            pitch[heard],
            np.maximum(start[heard], 0),
            end[heard],
            velocity[heard],
            frames=frames,
            **self.timing.window(start_tick, frames),
        )


@dataclasses.dataclass(frozen=True, eq=False)
class PianoRoll:
    """Music on a grid of 88 keys by frames; roll → notes → roll is exact.

    Parameters
    ----------
    onset : ndarray of bool, shape=(88, frames)
        ``True`` where a key is struck. Row 0 is MIDI pitch 21.
    sustain : ndarray of bool, shape=(88, frames)
        ``True`` where a key struck earlier is still held (never where `onset` is).
    velocity : ndarray of uint8, shape=(88, frames)
        1 to 127 where `onset` is ``True``, 0 elsewhere.
    tempo : float
        Quarter notes a minute, above 0.
    time_signature : (int, int)
        Beats in a bar and beat unit.
    bars : tuple of int, optional
        Frames at which bars begin, from 0 on, where not all have the length of the time signature.

    Raises
    ------
    ValueError
        If shapes differ, a sustain has nothing to sustain, a velocity has no onset, or bars do not
        begin one after another, from frame 0 on.
    """

    onset: np.ndarray
    sustain: np.ndarray
    velocity: np.ndarray
    tempo: float = DEFAULT_TEMPO
    time_signature: tuple[int, int] = (4, 4)
    bars: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        shape = self.onset.shape
        if len(shape) != 2 or shape[0] != KEYS or shape[1] < 1:
            raise ValueError(f"onset: expected shape (88, frames), got {shape}")
        if self.sustain.shape != shape or self.velocity.shape != shape:
            raise ValueError("onset, sustain and velocity: expected one shape for all three")
        if not self.tempo > 0:
            raise ValueError(f"tempo: expected more than 0 beats a minute, got {self.tempo}")
        if (self.sustain & self.onset).any() or orphans(self.onset, self.sustain).any():
            raise ValueError("sustain: every held frame must follow an onset or a held frame")
        if ((self.velocity > 0) != self.onset).any() or (self.velocity > 127).any():
            raise ValueError("velocity: expected 1 to 127 at every onset and 0 elsewhere")
        bars = (0,) if self.bars is None else self.bars
        if bars[:1] != (0,) or sorted({*bars}) != [*bars] or bars[-1] >= shape[1]:
            raise ValueError(f"bars: expected rising frames from 0 below {shape[1]}, got {bars}")

    def __eq__(self, other: object) -> bool:
        """Same notes, tempo, time signature and bars."""
        return (
            isinstance(other, PianoRoll)
            and self.tempo == other.tempo
            and tuple(self.time_signature) == tuple(other.time_signature)
            and self.bars == other.bars
            and np.array_equal(self.onset, other.onset)
            and np.array_equal(self.sustain, other.sustain)
            and np.array_equal(self.velocity, other.velocity)
        )

    @property
    def frames(self) -> int:
        """Number of columns."""
        return self.onset.shape[1]

    @property
    def beats(self) -> float:
        """Length in beats."""
        return self.frames / FRAMES_PER_BEAT

    @property
    def seconds(self) -> float:
        """Length in seconds at `tempo`."""
        return self.beats * 60.0 / self.tempo

    @property
    def bar_frames(self) -> int:
        """Frames in a bar of the time signature; at least 1."""
        return max(1, round(bar_ticks(self.time_signature) / TICKS_PER_FRAME))

    @property
    def bar_starts(self) -> np.ndarray:
        """Frames at which bars begin, the first at 0."""
        regular = range(0, self.frames, self.bar_frames)
        return np.array(regular if self.bars is None else self.bars)

    @property
    def properties(self) -> dict:
        """Tempo, time signature and bars, for another roll of as many frames."""
        return {name: getattr(self, name) for name in ("tempo", "time_signature", "bars")}

    @property
    def active(self) -> np.ndarray:
        """Boolean array, shape=(88, frames): ``True`` where a key is down."""
        return self.onset | self.sustain

    def with_tempo(self, tempo: float) -> PianoRoll:
        """The same notes at another tempo, in quarter notes a minute."""
        return dataclasses.replace(self, tempo=float(tempo))

    def transposed(self, semitones: int) -> PianoRoll:
        """The same shifted up; notes pushed off the keyboard are dropped."""
        if not semitones:
            return self
        pitch, start, end, velocity = self.arrays()
        return self.with_notes(pitch + semitones, start, end, velocity)

    def with_notes(self, *columns: np.ndarray) -> PianoRoll:
        """Other notes, given as `arrays` gives them, at the same tempo and in the same metre."""
        return PianoRoll.from_arrays(*columns, self.frames, **self.properties)

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Notes as (pitch, start frame, end frame, velocity), sorted by start, then pitch."""
        start, key = np.nonzero(self.onset.T)
        released = ~np.pad(self.sustain, ((0, 0), (0, 1)))
        columns = np.arange(self.frames + 1)
        # For every (key, frame): the first frame at or after it where the key is not sustained.
        next_release = np.where(released, columns, self.frames + 1)
        next_release = np.minimum.accumulate(next_release[:, ::-1], axis=1)[:, ::-1]
        return key + LOWEST_PITCH, start, next_release[key, start + 1], self.velocity[key, start]

    def notes(self) -> list[Note]:
        """The roll's notes, sorted by start, then pitch; times in beats."""
        return [
            Note(int(p), int(s) / FRAMES_PER_BEAT, int(e - s) / FRAMES_PER_BEAT, int(v))
            for p, s, e, v in zip(*self.arrays(), strict=True)
        ]

    @classmethod
    def empty(cls, frames: int = FRAMES, **properties) -> PianoRoll:
        """A silent roll; `properties` are `tempo`, `time_signature` and `bars`."""
        blank = np.zeros((KEYS, frames), bool)
        return cls(blank, blank.copy(), np.zeros((KEYS, frames), np.uint8), **properties)

    @classmethod
    def from_notes(cls, notes: Iterable[Note], frames: int = FRAMES, **properties) -> PianoRoll:
        """Put notes on the grid; see Conventions for rounding, range and overlap.

        Raises ValueError if a velocity is outside 1 to 127, a start is negative or a duration is
        not positive.
        """
        notes = list(notes)
        for note in notes:
            if not 1 <= note.velocity <= 127 or note.start < 0 or note.duration <= 0:
                raise ValueError(
                    f"notes: expected velocity 1 to 127, start >= 0, duration > 0; got {note}"
                )
        columns = np.array([(n.pitch, n.start, n.end, n.velocity) for n in notes]).reshape(-1, 4)
        start, end = (
            np.floor(columns[:, i] * FRAMES_PER_BEAT + 0.5).astype(np.int64) for i in (1, 2)
        )
        return cls.from_arrays(columns[:, 0], start, end, columns[:, 3], frames, **properties)

    @classmethod
    def from_arrays(
        cls,
        pitch: np.ndarray,
        start: np.ndarray,
        end: np.ndarray,
        velocity: np.ndarray,
        frames: int = FRAMES,
        **properties,
    ) -> PianoRoll:
        """Like `from_notes`, from arrays of shape (n,) with start and end in frames."""
        roll = cls.empty(frames, **properties)
        key = np.asarray(pitch).astype(np.int64) - LOWEST_PITCH
        inside = (key >= 0) & (key < KEYS) & (start >= 0) & (start < frames)
        key, start, end, velocity = without_overlaps(
            key[inside], start[inside], np.maximum(end, start + 1)[inside], velocity[inside]
        )
        end = np.minimum(end, frames)
        edges = np.zeros((KEYS, frames + 1), np.int8)
        edges[key, start + 1] += 1
        edges[key, end] -= 1
        roll.sustain[:] = np.cumsum(edges[:, :frames], axis=1, dtype=np.int8) > 0
        roll.onset[key, start] = True
        roll.velocity[key, start] = velocity
        return roll

    @classmethod
    def from_probabilities(
        cls,
        onset: np.ndarray,
        sustain: np.ndarray,
        velocity: np.ndarray,
        threshold: float = 0.5,
        **properties,
    ) -> PianoRoll:
        """Read a roll off a decoder's probabilities, leaving no stray frames.

        A held run with no onset before it becomes a note if it is at least two frames long,
        otherwise it is dropped.

        Parameters
        ----------
        onset, sustain : ndarray of float, shape=(88, frames)
            Probabilities, 0 to 1.
        velocity : ndarray of float, shape=(88, frames)
            Of 127, 0 to 1; read only at onsets.
        threshold : float
            Probability from which a cell counts.
        """
        struck = onset >= threshold
        held = (sustain >= threshold) & ~struck
        lost = orphans(struck, held)
        follows = np.pad(held, ((0, 0), (0, 1)))[:, 1:]
        struck |= lost & follows
        held &= ~lost
        loudness = np.clip(np.rint(velocity * 127), 1, 127).astype(np.uint8)
        return cls(struck, held, np.where(struck, loudness, 0).astype(np.uint8), **properties)


def top_line(roll: PianoRoll) -> PianoRoll:
    """The melody: the notes that are struck while no higher key is down."""
    pitch, start, end, velocity = roll.arrays()
    rows = np.arange(KEYS)[:, None]
    highest = np.where(roll.active, rows, -1).max(axis=0)
    leads = pitch - LOWEST_PITCH == highest[start]
    return roll.with_notes(*(a[leads] for a in (pitch, start, end, velocity)))


def orphans(onset: np.ndarray, sustain: np.ndarray) -> np.ndarray:
    """Held frames with neither an onset nor a held frame just before them, same shape."""
    before = np.pad(onset | sustain, ((0, 0), (1, 0)))[:, :-1]
    return sustain & ~before


def without_overlaps(
    pitch: np.ndarray, start: np.ndarray, end: np.ndarray, velocity: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Apply the overlap rule (see Conventions) to notes given as integer arrays of shape (n,).

    Times are in any one unit. What stays is sorted by pitch, then start.
    """
    order = np.lexsort((-velocity.astype(np.int64), -end, start, pitch))
    pitch, start, end, velocity = (a[order] for a in (pitch, start, end, velocity))
    first = np.ones(len(pitch), bool)
    first[1:] = (np.diff(pitch) != 0) | (np.diff(start) != 0)
    pitch, start, end, velocity = (a[first] for a in (pitch, start, end, velocity))
    cut = np.where(np.diff(pitch) == 0, np.minimum(end[:-1], start[1:]), end[:-1])
    return pitch, start, np.append(cut, end[-1:]), velocity
