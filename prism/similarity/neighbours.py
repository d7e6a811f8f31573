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
from prism.music.roll import (
    FRAMES,
    FRAMES_PER_BEAT,
    KEYS,
    LOWEST_PITCH,
    TICKS_PER_BEAT,
    TICKS_PER_FRAME,
    PianoRoll,
    Piece,
)
from prism.music.windows import filled

REACH = 12
COPY_OVERLAP = 0.9  # from here on it is called a copy
_GAP_BEATS = FRAMES // FRAMES_PER_BEAT


@dataclasses.dataclass(frozen=True)
class Neighbour:
    """Where the nearest music stands; it is so many semitones below the roll."""

    piece: Piece
    start_beat: int
    semitones: int
    overlap: float

    @property
    def is_copy(self) -> bool:
        """Whether the roll counts as a copy of it."""
        return self.overlap >= COPY_OVERLAP

    @property
    def roll(self) -> PianoRoll:
        """The music there, untransposed."""
        return self.piece.window(self.start_beat * TICKS_PER_BEAT)


class TrainingIndex:
    """All training pieces of a corpus on one long line of beats, ready to be searched.

    Notes
    -----
    A roll's note and a training note of the same pitch (after a shift) and the same place in their
    beats vote for the one beat at which the roll would have to begin for them to coincide. The
    votes of all such pairs are the common notes at every beat.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.pieces = [filled(piece) for piece in corpus.select("train")]
        beats = np.array([-(-piece.ticks // TICKS_PER_BEAT) for piece in self.pieces], np.int64)
        self.first_beats = np.concatenate([[0], np.cumsum(beats + _GAP_BEATS)])
        # Windows that begin in the gap after a piece belong to none.
        self._inside = np.zeros(self.first_beats[-1], bool)
        for first, length in zip(self.first_beats, beats, strict=False):
            self._inside[first : first + length] = True
        frames, keys = self._notes()
        self._counts = self._notes_per_window(frames).astype(np.float32)
        self._beats = self._beats_by_place(frames, keys)

    def _notes(self) -> tuple[np.ndarray, np.ndarray]:
        """Frame (from the beginning of the line) and key of every onset."""
        frames, keys = [], []
        for first, piece in zip(self.first_beats, self.pieces, strict=False):
            start = (piece.notes[:, 0] + TICKS_PER_FRAME // 2) // TICKS_PER_FRAME
            # Notes that meet on the grid count once, as in a roll.
            both = np.unique(np.column_stack([start, piece.notes[:, 2] - LOWEST_PITCH]), axis=0)
            frames.append(both[:, 0] + first * FRAMES_PER_BEAT)
            keys.append(both[:, 1])
        return np.concatenate(frames).astype(np.int64), np.concatenate(keys)

    def _beats_by_place(
        self, frames: np.ndarray, keys: np.ndarray
    ) -> dict[tuple[int, int], np.ndarray]:
        """The beats in which a key is struck at one place (frame of the beat)."""
        places = keys * FRAMES_PER_BEAT + frames % FRAMES_PER_BEAT
        order = np.argsort(places, kind="stable")
        edges = np.searchsorted(places[order], np.arange(KEYS * FRAMES_PER_BEAT + 1))
        beats = (frames // FRAMES_PER_BEAT)[order].astype(np.int32)
        return {
            divmod(place, FRAMES_PER_BEAT): beats[edges[place] : edges[place + 1]]
            for place in range(KEYS * FRAMES_PER_BEAT)
        }

    def _notes_per_window(self, frames: np.ndarray) -> np.ndarray:
        """Notes in the window that begins at each beat."""
        a_beat = np.bincount(frames // FRAMES_PER_BEAT, minlength=self.first_beats[-1])
        total = np.concatenate([[0], np.cumsum(a_beat)])
        ends = np.minimum(np.arange(len(a_beat)) + _GAP_BEATS, len(a_beat))
        return total[ends] - total[:-1]

    def nearest(self, roll: PianoRoll) -> Neighbour:
        """The training window with the greatest overlap."""
        key, frame = np.nonzero(roll.onset)
        places = _by_place(key, frame)
        best = (-1.0, 0, 0)
        for semitones in range(-REACH, REACH + 1):
            overlap = 2 * self._votes(places, semitones) / np.maximum(len(key) + self._counts, 1)
            overlap[~self._inside] = -1
            beat = int(overlap.argmax())
            best = max(best, (float(overlap[beat]), beat, semitones), key=lambda found: found[0])
        overlap, beat, semitones = best
        number = int(np.searchsorted(self.first_beats, beat, side="right")) - 1
        start = beat - int(self.first_beats[number])
        return Neighbour(self.pieces[number], start, semitones, max(overlap, 0.0))

    def _votes(self, places: dict[tuple[int, int], np.ndarray], semitones: int) -> np.ndarray:
        """Common notes at every beat, if the roll is moved down by `semitones`."""
        starts = [np.empty(0, np.int32)]
        for (key, place), beats in places.items():
            found = self._beats.get((key - semitones, place))
            if found is not None:
                starts.append((found[:, None] - beats).ravel())
        votes = np.concatenate(starts)
        return np.bincount(votes[votes >= 0], minlength=self.first_beats[-1])


def _by_place(key: np.ndarray, frame: np.ndarray) -> dict[tuple[int, int], np.ndarray]:
    """The beats of a roll's onsets, by key and place in the beat."""
    beats: dict[tuple[int, int], list[int]] = {}
    for k, f in zip(key.tolist(), frame.tolist(), strict=True):
        beats.setdefault((k, f % FRAMES_PER_BEAT), []).append(f // FRAMES_PER_BEAT)
    return {place: np.array(found, np.int32) for place, found in beats.items()}
