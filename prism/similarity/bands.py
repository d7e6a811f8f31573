"""What a cosine means: the range it has between real rolls that stand in a known relation.

Each kind of pair is drawn from held-out music (validation and test); its band holds the middle half
and the middle nine tenths of the cosines found.

Conventions
-----------
kind
    ``same_piece`` two windows of one piece, ``same_composer`` of two pieces under one label,
    ``other_composer`` under two labels, ``shuffled`` a window and the same notes at random times of
    the same length, ``noise`` a window and as many notes anywhere.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Callable, Sequence

import numpy as np
import torch.nn.functional as F

from prism.corpora.prepared import Corpus
from prism.music.roll import DEFAULT_VELOCITY, KEYS, LOWEST_PITCH, PianoRoll
from prism.music.windows import Window, windows_of
from prism.similarity.networks import FeatureNetwork

HELD_OUT = ("validation", "test")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclasses.dataclass(frozen=True)
class Band:
    """Cosines of one kind of pair.

    Parameters
    ----------
    kind : str
        See Conventions.
    count : int
        Pairs measured.
    mean : float
        Of the cosines.
    quantiles : tuple of float
        At 5, 25, 50, 75 and 95 %.
    """

    kind: str
    count: int
    mean: float
    quantiles: tuple[float, ...]


KIND_WORDS = {
    "same_piece": "two parts of one piece",
    "same_composer": "two pieces by the same composer",
    "other_composer": "pieces by different composers",
    "shuffled": "a piece and its shuffled notes",
    "noise": "a piece and random notes",
}


def shuffled(roll: PianoRoll, rng: np.random.Generator) -> PianoRoll:
    """The same notes, each begun at a random frame."""
    pitch, start, end, velocity = roll.arrays()
    moved = rng.integers(0, roll.frames - (end - start) + 1)
    return roll.with_notes(pitch, moved, moved + end - start, velocity)


def noise(roll: PianoRoll, rng: np.random.Generator) -> PianoRoll:
    """As many notes, of one to four frames, on any key at any time."""
    count = int(roll.onset.sum())
    start = rng.integers(0, roll.frames, count)
    pitch = rng.integers(LOWEST_PITCH, LOWEST_PITCH + KEYS, count)
    end = start + rng.integers(1, 5, count)
    return roll.with_notes(pitch, start, end, np.full(count, DEFAULT_VELOCITY))


class RealPairs:
    """Draws pairs of held-out rolls of every kind.

    Parameters
    ----------
    corpus : Corpus
        Its validation and test pieces are used.
    """

    def __init__(self, corpus: Corpus) -> None:
        self.pieces: dict[str, list[list[Window]]] = {
            label: [windows_of(p) for split in HELD_OUT for p in corpus.select(split, [label])]
            for label in corpus.labels
        }
        several = {k: [w for w in pieces if len(w) > 1] for k, pieces in self.pieces.items()}
        self._several_windows = [pieces for pieces in several.values() if pieces]

    def draw(self, kind: str, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        """One pair; labels are equally likely."""
        draws: dict[str, Callable] = {
            "same_piece": self._same_piece,
            "same_composer": self._same_composer,
            "other_composer": self._other_composer,
            "shuffled": lambda rng: self._changed(shuffled, rng),
            "noise": lambda rng: self._changed(noise, rng),
        }
        return draws[kind](rng)

    def _same_piece(self, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        windows = _pick(_pick(self._several_windows, rng), rng)
        first, second = rng.choice(len(windows), 2, replace=False)
        return windows[first].roll, windows[second].roll

    def _same_composer(self, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        pieces = self.pieces[_pick(list(self.pieces), rng)]
        first, second = rng.choice(len(pieces), 2, replace=False)
        return _pick(pieces[first], rng).roll, _pick(pieces[second], rng).roll

    def _other_composer(self, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        labels = list(self.pieces)
        pair = rng.choice(len(labels), 2, replace=False)
        return tuple(_pick(_pick(self.pieces[labels[k]], rng), rng).roll for k in pair)

    def _changed(self, change: Callable, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        roll = _pick(_pick(self.pieces[_pick(list(self.pieces), rng)], rng), rng).roll
        return roll, change(roll, rng)


def _pick(choices: Sequence, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


def measure_bands(
    network: FeatureNetwork, pairs: RealPairs, count: int, seed: int = 0
) -> dict[str, Band]:
    """Bands of all kinds from `count` pairs each, drawn with `seed`."""
    bands = {}
    for index, kind in enumerate(KIND_WORDS):
        rng = np.random.default_rng([seed, index])
        drawn = [pairs.draw(kind, rng) for _ in range(count)]
        first, second = (network.features(side) for side in zip(*drawn, strict=True))
        found = F.cosine_similarity(first, second).numpy()
        quantiles = tuple(round(float(q), 4) for q in np.quantile(found, QUANTILES))
        bands[kind] = Band(kind, count, round(float(found.mean()), 4), quantiles)
    return bands


def save_bands(path: pathlib.Path, bands: dict[str, dict[str, Band]]) -> None:
    """Write the bands of every network, keyed by its name."""
    plain = {
        name: [dataclasses.asdict(band) for band in kinds.values()] for name, kinds in bands.items()
    }
    path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")


def load_bands(path: pathlib.Path) -> dict[str, dict[str, Band]]:
    """Read what `save_bands` wrote."""
    plain = json.loads(path.read_text(encoding="utf-8"))
    return {
        name: {row["kind"]: Band(**row | {"quantiles": tuple(row["quantiles"])}) for row in rows}
        for name, rows in plain.items()
    }


def in_words(value: float, bands: dict[str, Band]) -> str:
    """The kind of pair whose typical cosine is nearest, in plain words."""
    nearest = min(bands.values(), key=lambda band: abs(band.quantiles[2] - value))
    return f"like {KIND_WORDS[nearest.kind]}"
