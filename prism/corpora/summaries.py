"""What choosing, grouping and splitting a collection needs to know of each piece: not its notes.

A summary takes about a kilobyte, so a million of them fit in memory; they are made where a piece
is read, and stored beside its notes.
"""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np

from prism.corpora.duplicates import content_key, sketch
from prism.music.roll import TICKS_PER_BEAT, Piece
from prism.music.windows import windows_of

MINIMUM_NOTES = 16
MINIMUM_BEATS = 12
MAXIMUM_SILENCE_BEATS = 64
SAME_NOTES = "same notes as another piece"


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class PieceSummary:
    """A `Piece` without its notes.

    Parameters
    ----------
    notes, windows : int
        How many it has.
    fault : str
        Why it cannot be used, or empty.
    fingerprint : str
        The same for pieces with the same notes but for their velocities.
    content, sketch
        See `prism.corpora.duplicates`.
    place : (int, int)
        Number of the shard that holds the notes, and of the piece in it.
    """

    identifier: str
    title: str
    label: str
    source: str
    terms: str
    tempo: float
    time_signature: tuple[int, int]
    group: str
    notes: int
    windows: int
    fault: str
    fingerprint: str
    content: str
    sketch: np.ndarray
    place: tuple[int, int] = (0, 0)


PROPERTIES = ("identifier", "title", "label", "source", "terms", "tempo", "time_signature", "group")


def summarised(piece: Piece) -> PieceSummary:
    """A piece's summary."""
    fault = _fault(piece)
    return PieceSummary(
        **{name: getattr(piece, name) for name in PROPERTIES},
        notes=len(piece.notes),
        windows=0 if fault else len(windows_of(piece)),
        fault=fault,
        fingerprint=hashlib.sha256(piece.notes[:, :3].tobytes()).hexdigest()[:32],
        content=content_key(piece),
        sketch=sketch(piece),
    )


def _fault(piece: Piece) -> str:
    if piece.terms.startswith("left out"):
        return "embedded notice forbids redistribution or commercial use"
    if len(piece.notes) < MINIMUM_NOTES or len(piece.bars) < 2:
        return f"fewer than {MINIMUM_NOTES} notes or 2 bars"
    if piece.ticks < MINIMUM_BEATS * TICKS_PER_BEAT:
        return f"shorter than {MINIMUM_BEATS} beats"
    if np.diff(piece.notes[:, 0]).max() > MAXIMUM_SILENCE_BEATS * TICKS_PER_BEAT:
        return f"a silence of more than {MAXIMUM_SILENCE_BEATS} beats"
    return ""
