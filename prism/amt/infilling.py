"""Infilling: the baseline draws some beats of a roll, given the notes around them.

Of each span that is to be drawn, what begins before it is the past; known notes that begin after it
are controls, which the model reads `ANTICIPATION` ahead (Thickstun et al. 2023, section 3.2).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from prism.amt import events
from prism.amt.events import roll_events
from prism.amt.model import AnticipatoryTransformer
from prism.amt.sampler import CachedReader, Choose, generate
from prism.models.known import KnownBeats
from prism.music.roll import PianoRoll


def infilled(
    model: AnticipatoryTransformer,
    known: KnownBeats,
    shift: int,
    centiseconds_per_frame: float,
    choose: Choose,
    label: torch.Tensor | None = None,
    melody: PianoRoll | None = None,
) -> Iterator[np.ndarray]:
    """Events that begin in the beats that are not known, `shift` semitones up, span by span.

    A melody, of notes that begin in these beats, is accompanied there.
    """
    kept = given_events(known, melody, centiseconds_per_frame, shift)
    clock, drawn = events.times(kept), events.no_events()
    for start, end in _spans(known.frames) * centiseconds_per_frame:
        start, end = round(start), round(end)
        past = np.concatenate([kept[clock < start], drawn])
        past = past[np.argsort(past[:, 0], kind="stable")]
        controls = events.as_controls(kept[clock >= start])
        reader = CachedReader(model, label)
        for event in generate(model, start, end, choose, past, controls, reader):
            if not events.is_rest(event[None])[0]:
                drawn = np.concatenate([drawn, event[None]])
                yield event


def given_events(
    known: KnownBeats, melody: PianoRoll | None, centiseconds_per_frame: float, shift: int = 0
) -> np.ndarray:
    """The notes that begin in known beats and those of a melody, sorted by time."""
    rolls = [known.begun] + ([] if melody is None else [melody])
    step = centiseconds_per_frame
    given = np.concatenate([roll_events(roll.transposed(shift), step) for roll in rolls])
    return given[np.argsort(given[:, 0], kind="stable")]


def _spans(known: np.ndarray) -> np.ndarray:
    """First and one past the last of each run of frames that are not known, shape=(n, 2)."""
    edges = np.diff(np.pad(~known, 1).astype(np.int8))
    return np.column_stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)])
