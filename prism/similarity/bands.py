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
from collections.abc import Sequence

import numpy as np
import torch.nn.functional as F

from prism.corpora.prepared import Corpus
from prism.corpora.sharded import ShardedCorpus
from prism.music.progress import ProgressBar
from prism.music.roll import DEFAULT_VELOCITY, KEYS, LOWEST_PITCH, PianoRoll
from prism.music.windows import Window, windows_of
from prism.music.writing import write_json
from prism.similarity.networks import FeatureNetwork

HELD_OUT = ("validation", "test")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclasses.dataclass(frozen=True)
class Band:
    """Cosines of `count` pairs of one kind: their mean, and their `QUANTILES`."""

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
    """Draws pairs of held-out rolls (validation and test) of every kind in `kinds`."""

    def __init__(self, corpus: Corpus | ShardedCorpus) -> None:
        # The windows of every piece, label by label.
        self._labels: list[list[list[Window]]] = [
            [windows_of(p) for split in HELD_OUT for p in corpus.select(split, [label])]
            for label in corpus.labels
        ]
        several = [[w for w in pieces if len(w) > 1] for pieces in self._labels]
        self._several_windows = [pieces for pieces in several if pieces]
        self._several_pieces = [pieces for pieces in self._labels if len(pieces) > 1]

    @property
    def kinds(self) -> list[str]:
        """The kinds that this music has: a corpus of one label has none by different composers."""
        there = {
            "same_piece": bool(self._several_windows),
            "same_composer": bool(self._several_pieces),
            "other_composer": len(self._labels) > 1,
        }
        return [kind for kind in KIND_WORDS if there.get(kind, True)]

    def draw(self, kind: str, rng: np.random.Generator) -> tuple[PianoRoll, PianoRoll]:
        """One pair; labels are equally likely."""
        if kind == "same_piece":
            first, second = _two(_pick(_pick(self._several_windows, rng), rng), rng)
        elif kind == "same_composer":
            pieces = _two(_pick(self._several_pieces, rng), rng)
            first, second = (_pick(piece, rng) for piece in pieces)
        elif kind == "other_composer":
            first, second = (_pick(_pick(label, rng), rng) for label in _two(self._labels, rng))
        else:
            roll = _pick(_pick(_pick(self._labels, rng), rng), rng).roll
            change = {"shuffled": shuffled, "noise": noise}[kind]
            return roll, change(roll, rng)
        return first.roll, second.roll


def _pick(choices: Sequence, rng: np.random.Generator):
    return choices[rng.integers(len(choices))]


def _two(choices: Sequence, rng: np.random.Generator):
    return [choices[k] for k in rng.choice(len(choices), 2, replace=False)]


def measure_bands(
    network: FeatureNetwork, pairs: RealPairs, count: int, seed: int = 0
) -> dict[str, Band]:
    """Bands of all kinds of pairs from `count` pairs each, drawn with `seed`."""
    bands = {}
    for kind in ProgressBar(pairs.kinds, f"bands, {network.name} network", unit="kind"):
        rng = np.random.default_rng([seed, list(KIND_WORDS).index(kind)])
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
    write_json(path, plain)


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
