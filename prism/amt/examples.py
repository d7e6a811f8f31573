"""Training sequences for the baseline, cut from the same windows as the transformer's.

Every sequence is one context long: the flag AUTOREGRESS or ANTICIPATE, then 341 events. It begins
where a window of `prism.corpora.dataset` does and runs to the end of the piece (short ones are
repeated); the rest is filled with further pieces, each after a SEPARATOR event (Thickstun et al.
2023, section 4). Times count from the start of each piece. Where the composer is told, all pieces
of a sequence have one label.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prism.amt import events
from prism.amt.events import roll_events
from prism.amt.vocabulary import (
    ANTICIPATE,
    ANTICIPATION,
    AUTOREGRESS,
    EVENTS_IN_CONTEXT,
    MAXIMUM_TIME,
    SEPARATOR,
)
from prism.corpora.dataset import TRANSPOSITIONS, WindowSampler
from prism.music.attributes import key_index, normalising_shift
from prism.music.roll import TICKS_PER_BEAT, TICKS_PER_FRAME, PianoRoll, top_line
from prism.music.windows import Window, filled

# A prompt of 16 beats and a window of 64 that follows it, with some to spare.
_LEAST_BEATS = 96
# The paper's rate of spans: one every 20 seconds.
_SPAN_PAUSE = 2000


@dataclasses.dataclass(frozen=True)
class Shares:
    """How often each kind of control is drawn; the rest of the sequences have none."""

    span: float = 0.1
    random: float = 0.1
    melody: float = 0.2


class SequenceSampler:
    """Draws sequences; the same (seed, step) gives the same ones in every run.

    They begin at windows of a `WindowSampler`, by whose probabilities labels are drawn. `told` says
    whether a sequence's pieces have one label, `key_normalised` whether they are moved to C major
    or A minor instead of anywhere.
    """

    def __init__(
        self,
        windows: WindowSampler,
        centiseconds_per_frame: int,
        shares: Shares,
        told: bool = False,
        key_normalised: bool = False,
    ) -> None:
        self.windows, self.shares = windows, shares
        self.step = centiseconds_per_frame
        self.told, self.key_normalised = told, key_normalised

    def batch(self, batch_size: int, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        """Tokens and labels, int64, shape=(batch_size, 1024) and (batch_size,).

        Where the composer is not told, the label is the number of labels.
        """
        rng = np.random.default_rng([seed, step])
        sequences, labels = [], []
        for _ in range(batch_size):
            label = self._label(rng) if self.told else None
            sequences.append(self.sequence(rng, label))
            labels.append(len(self.windows.windows) if label is None else label)
        return np.stack(sequences), np.array(labels, np.int64)

    def _label(self, rng: np.random.Generator) -> int:
        return int(rng.choice(len(self.windows.windows), p=self.windows.label_probability))

    def sequence(self, rng: np.random.Generator, label: int | None = None) -> np.ndarray:
        """One sequence of 1,024 tokens, of pieces with a label or with any."""
        flag, parts, room = None, [], EVENTS_IN_CONTEXT
        while room > 0:
            part, given = self._part(rng, self._label(rng) if label is None else label)
            flag = flag or (ANTICIPATE if given else AUTOREGRESS)
            parts += [part, np.full((1, 3), SEPARATOR)]
            room -= len(part) + 1
        body = np.concatenate(parts)[:EVENTS_IN_CONTEXT]
        return np.concatenate([[flag], body.ravel()])

    def _part(self, rng: np.random.Generator, label: int) -> tuple[np.ndarray, bool]:
        """The rest of one piece from a window on, and whether it has controls."""
        group = self.windows.windows[label]
        window = group[rng.integers(len(group))]
        if self.key_normalised:
            shift = normalising_shift(key_index(window.roll))
        else:
            shift = rng.choice(TRANSPOSITIONS)
        roll = rest_of_piece(window, shift)
        notes = roll_events(roll, self.step)
        notes = notes[events.times(notes) < MAXIMUM_TIME - ANTICIPATION]
        given = self._given(roll, notes, rng)
        if not given.any():
            return events.with_rests(notes), False
        end = events.times(notes)[-1]
        free = events.with_rests(notes[~given], end)
        sequence, _ = events.anticipated(free, events.as_controls(notes[given]))
        return sequence, True

    def _given(self, roll: PianoRoll, notes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Which notes are handed over as controls, bool, shape=(n,)."""
        kind, shares = rng.random(), self.shares
        if kind < shares.melody:
            given = melody_mask(roll, notes, self.step)
            # A tune that is all melody leaves nothing to play along with.
            return given if given.mean() < 0.9 else np.zeros(len(notes), bool)
        if kind < shares.melody + shares.random:
            return rng.random(len(notes)) < rng.integers(1, 10) / 10
        if kind < shares.melody + shares.random + shares.span:
            return span_mask(events.times(notes), rng)
        return np.zeros(len(notes), bool)


def rest_of_piece(window: Window, semitones: int = 0) -> PianoRoll:
    """Everything from a window's start on, transposed; short pieces are repeated first."""
    piece = filled(window.piece, _LEAST_BEATS * TICKS_PER_BEAT)
    fresh = piece.notes[piece.notes[:, 0] >= window.start_tick] + [0, 0, semitones, 0]
    piece = dataclasses.replace(piece, notes=fresh)
    frames = -(-(piece.ticks - window.start_tick) // TICKS_PER_FRAME) + 1
    return piece.window(window.start_tick, frames)


def melody_mask(roll: PianoRoll, notes: np.ndarray, centiseconds_per_frame: int) -> np.ndarray:
    """Which of a roll's events belong to its top line, bool, shape=(n,)."""
    lead = roll_events(top_line(roll), centiseconds_per_frame)
    # One number for a time and a note.
    mine, theirs = (events[:, 0] * 2**20 + events[:, 2] for events in (notes, lead))
    return np.isin(mine, theirs)


def span_mask(times: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Spans as long as the anticipation interval, after pauses drawn at random."""
    mask = np.zeros(len(times), bool)
    start = rng.exponential(_SPAN_PAUSE)
    while len(times) and start <= times[-1]:
        mask |= (times >= start) & (times < start + ANTICIPATION)
        start += ANTICIPATION + rng.exponential(_SPAN_PAUSE)
    return mask
