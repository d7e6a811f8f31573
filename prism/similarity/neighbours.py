"""Originality: the training music that comes nearest to a roll, note for note.

Conventions
-----------
overlap
    F1 of the onsets of a roll and a training window of the same length, at equal time and
    transposed pitch, 0 to 1; 1 is a copy.
search
    Every training piece (short ones repeated to fill a window), at every beat, in every
    transposition up to an octave either way.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from prism.corpora.prepared import Corpus
from prism.dataset import filled
from prism.music import (
    FRAMES,
    FRAMES_PER_BEAT,
    KEYS,
    LOWEST_PITCH,
    TICKS_PER_BEAT,
    TICKS_PER_FRAME,
    PianoRoll,
    Piece,
)

REACH = 12
_GAP_BEATS = FRAMES // FRAMES_PER_BEAT


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """Where the nearest music stands.

    Parameters
    ----------
    piece : Piece
        The training piece, long enough for a window.
    start_beat : int
        Where in it, in beats from its start.
    semitones : int
        How far it has to be moved up to meet the roll.
    overlap : float
        See Conventions.
    """

    piece: Piece
    start_beat: int
    semitones: int
    overlap: float

    @property
    def roll(self) -> PianoRoll:
        """The music there, untransposed."""
        return self.piece.window(self.start_beat * TICKS_PER_BEAT)


class TrainingIndex:
    """All training pieces on one long line of beats, ready to be searched.

    Parameters
    ----------
    corpus : Corpus
        Its training split is used.
    split : str
        Another side of the split, for tests.

    Notes
    -----
    A roll's note and a training note of the same pitch (after a shift) and the same place in their
    beats vote for the one beat at which the roll would have to begin for them to coincide. The
    votes of all such pairs are the common notes at every beat.
    """

    def __init__(self, corpus: Corpus, split: str = "train") -> None:
        self.pieces = [filled(piece) for piece in corpus.select(split)]
        beats = [-(-piece.ticks // TICKS_PER_BEAT) + _GAP_BEATS for piece in self.pieces]
        self.first_beats = np.concatenate([[0], np.cumsum(beats)]).astype(np.int64)
        frames, keys = self._notes()
        self._counts = self._notes_per_window(frames)
        self._beats: dict[tuple[int, int], np.ndarray] = {}
        phase = frames % FRAMES_PER_BEAT
        for key in range(KEYS):
            for place in range(FRAMES_PER_BEAT):
                mine = (keys == key) & (phase == place)
                self._beats[key, place] = frames[mine] // FRAMES_PER_BEAT

    def _notes(self) -> tuple[np.ndarray, np.ndarray]:
        frames, keys = [], []
        for first, piece in zip(self.first_beats, self.pieces, strict=False):
            start = (piece.notes[:, 0] + TICKS_PER_FRAME // 2) // TICKS_PER_FRAME
            # Notes that meet on the grid count once, as in a roll.
            both = np.unique(np.column_stack([start, piece.notes[:, 2] - LOWEST_PITCH]), axis=0)
            frames.append(both[:, 0] + first * FRAMES_PER_BEAT)
            keys.append(both[:, 1])
        return np.concatenate(frames).astype(np.int64), np.concatenate(keys)

    def _notes_per_window(self, frames: np.ndarray) -> np.ndarray:
        """Notes in the window that begins at each beat."""
        a_beat = np.bincount(frames // FRAMES_PER_BEAT, minlength=self.first_beats[-1])
        total = np.concatenate([[0], np.cumsum(a_beat)])
        ends = np.minimum(np.arange(len(a_beat)) + _GAP_BEATS, len(a_beat))
        return total[ends] - total[:-1]

    def nearest(self, roll: PianoRoll, besides: str = "") -> Neighbour:
        """The training window with the greatest overlap.

        Parameters
        ----------
        roll : PianoRoll
            What to look for.
        besides : str
            Identifier of a piece to leave out.
        """
        key, frame = np.nonzero(roll.onset)
        best = (-1.0, 0, 0)
        for semitones in range(-REACH, REACH + 1):
            votes = self._votes(key - semitones, frame)
            overlap = 2 * votes / np.maximum(len(key) + self._counts, 1)
            self._silence(overlap, besides)
            beat = int(overlap.argmax())
            best = max(best, (float(overlap[beat]), beat, semitones), key=lambda found: found[0])
        return self._neighbour(*best)

    def _votes(self, key: np.ndarray, frame: np.ndarray) -> np.ndarray:
        beats = [np.empty(0, np.int64)]
        for k, f in zip(key.tolist(), frame.tolist(), strict=True):
            found = self._beats.get((k, f % FRAMES_PER_BEAT))
            if found is not None:
                beats.append(found - f // FRAMES_PER_BEAT)
        starts = np.concatenate(beats)
        return np.bincount(starts[starts >= 0], minlength=self.first_beats[-1])

    def _silence(self, overlap: np.ndarray, besides: str) -> None:
        """Windows that begin in the gap between two pieces belong to neither."""
        for number, piece in enumerate(self.pieces):
            if piece.identifier == besides:
                overlap[self.first_beats[number] : self.first_beats[number + 1]] = -1

    def _neighbour(self, overlap: float, beat: int, semitones: int) -> Neighbour:
        number = int(np.searchsorted(self.first_beats, beat, side="right")) - 1
        start = beat - int(self.first_beats[number])
        return Neighbour(self.pieces[number], start, semitones, max(overlap, 0.0))
