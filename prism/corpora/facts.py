"""What a study needs to know of one piece: a few numbers, so that a large corpus fits in memory.

Conventions
-----------
polyphony
    Mean number of keys down, over the time in which any is.
metre
    Beats in a bar and beat unit, such as ``"6/8"``.
instruments
    General MIDI's names; only a MIDI file has them, a `Piece` is merged to one piano.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter

import numpy as np

from prism.corpora.duplicates import content_key, sketch
from prism.music.metadata import signature
from prism.music.midi_events import DRUM_CHANNEL, PROGRAM, MidiEvents
from prism.music.roll import KEYS, LOWEST_PITCH, TICKS_PER_BEAT, Piece

# pyfluidsynth, which pretty_midi loads, prints where it found its library when CI is set; a
# command's output should hold what it was asked for and nothing else.
with contextlib.redirect_stdout(None):
    import pretty_midi

DRUMS = "Drums"


@dataclasses.dataclass(frozen=True)
class FileFacts:
    """What only a MIDI file tells; it may name no metre and no tempo.

    Notes of each instrument, time signatures in order, each different from the one before, and how
    many tempi follow each other.
    """

    instruments: dict[str, int]
    metres: tuple[str, ...]
    tempi: int


@dataclasses.dataclass(frozen=True, eq=False)
class PieceFacts:
    """A piece in numbers.

    Parameters
    ----------
    song : str
        Shared by versions of one song.
    beats, tempo, polyphony : float
        Length in beats; mean quarter notes a minute; see Conventions.
    metre : str
        The one that most beats lie in.
    pitches : ndarray of int64, shape=(88,)
        Notes a key, from MIDI pitch 21.
    velocities : int
        How many different velocities there are.
    content, sketch
        See `prism.corpora.duplicates`.
    file : FileFacts or None
        None for a piece that was prepared, and merged to one piano.
    """

    identifier: str
    label: str
    song: str
    beats: float
    tempo: float
    polyphony: float
    metre: str
    pitches: np.ndarray
    velocities: int
    bar_changes: int
    content: str
    sketch: np.ndarray
    file: FileFacts | None = None

    @property
    def notes(self) -> int:
        """Number of notes."""
        return int(self.pitches.sum())

    @property
    def span(self) -> int:
        """Semitones from the lowest to the highest note."""
        return int(np.ptp(np.flatnonzero(self.pitches)))


def piece_facts(piece: Piece, file: FileFacts | None = None) -> PieceFacts:
    """The facts of a piece with at least one note."""
    pitch = piece.notes[:, 2] - LOWEST_PITCH
    return PieceFacts(
        identifier=piece.identifier,
        label=piece.label,
        song=piece.group or piece.identifier,
        beats=piece.ticks / TICKS_PER_BEAT,
        tempo=piece.tempo,
        polyphony=polyphony(piece.notes),
        metre=signature(piece.time_signature),
        pitches=np.bincount(pitch, minlength=KEYS),
        velocities=len(np.unique(piece.notes[:, 3])),
        bar_changes=bar_changes(piece.bars),
        content=content_key(piece),
        sketch=sketch(piece),
        file=file,
    )


def polyphony(notes: np.ndarray) -> float:
    """See Conventions; of notes as in `Piece`, at least one."""
    start, end = notes[:, 0], notes[:, 0] + notes[:, 1]
    reached = np.maximum.accumulate(end)
    silent = np.maximum(start[1:] - reached[:-1], 0).sum()
    return float(notes[:, 1].sum() / (reached[-1] - start[0] - silent))


def bar_changes(bars: np.ndarray) -> int:
    """How often at least two equal bars follow bars of another length.

    `bars` are the ticks at which bars begin. A single odd bar, as at a repeat with a pick-up, is no
    change.
    """
    lengths = np.diff(bars)
    steady = lengths[np.r_[False, np.diff(lengths) == 0]] if len(lengths) else lengths
    return int(np.count_nonzero(np.diff(steady)))


def file_facts(events: MidiEvents) -> FileFacts:
    """What a MIDI file tells; `prism.corpora.folder.read_content` must have accepted it."""
    metres = [(s.time, signature((s.numerator, s.denominator))) for s in events.time_signatures]
    tempi = [(change.time, change.mspq) for change in events.tempos]
    return FileFacts(_instruments(events), tuple(_successive(metres)), len(_successive(tempi)))


def _instruments(score: MidiEvents) -> dict[str, int]:
    """Notes of each instrument."""
    programs = _programs(score)[score.strikes]
    drums = score.channel[score.strikes] == DRUM_CHANNEL
    counts = Counter(programs[~drums].tolist())
    named = {pretty_midi.program_to_instrument_name(p): n for p, n in sorted(counts.items())}
    return named | ({DRUMS: int(drums.sum())} if drums.any() else {})


def _programs(score: MidiEvents) -> np.ndarray:
    """The program on each event's track and channel then; 0 before the first is chosen."""
    key = score.track << 4 | score.channel
    order = np.argsort(key, kind="stable")
    key = key[order]
    opens = np.diff(key, prepend=-1) != 0
    chosen = score.status[order] & 0xF0 == PROGRAM
    latest = np.maximum.accumulate(np.where(opens | chosen, np.arange(len(key)), 0))
    programs = np.empty_like(key)
    programs[order] = np.where(chosen, score.first[order], 0)[latest]
    return programs


def _successive(changes: list[tuple]) -> list:
    """Values in order of time, without repetitions; of several at one time the last holds."""
    values = list(dict(sorted(changes, key=lambda change: change[0])).values())
    return [b for a, b in zip([None, *values], values, strict=False) if a != b]
