"""Many samples a label, and as many windows of real music, which the two-sample test compares.

Conventions
-----------
real
    Held-out windows, of validation and test pieces: some labels have a single test piece.
other real
    Windows of training pieces, so of other pieces: what real music against real music gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from prism.corpora.prepared import Corpus
from prism.corpora.sharded import ShardedCorpus
from prism.evaluation.ledger import Ledger, Row
from prism.evaluation.processes import in_processes
from prism.evaluation.two_sample import Side
from prism.models.pipeline import PrismPipeline
from prism.music.packing import packed_roll, unpacked_roll
from prism.similarity.bands import HELD_OUT

BATCH = 15


def real_side(
    corpus: Corpus | ShardedCorpus,
    count: int,
    seed: int,
    splits: Sequence[str] = HELD_OUT,
) -> Side:
    """Windows drawn at random, `count` a label or all where there are fewer."""
    rng = np.random.default_rng([seed, 10])
    chosen = []
    for label in corpus.labels:
        windows = [w for split in splits for w in corpus.windows(split, label)]
        chosen += [windows[i] for i in rng.permutation(len(windows))[:count]]
    return Side(
        [window.roll for window in chosen],
        [window.piece.label for window in chosen],
        [window.piece.identifier for window in chosen],
    )


def draw_samples(
    prism: PrismPipeline,
    ledger: Ledger,
    count: int,
    seed: int,
    batch: int = BATCH,
    processes: int = 1,
) -> Iterator[int]:
    """Write down those of `count` samples a label that are not there; yields how many are new.

    Seeds count up from `seed`, the same for every label.
    """
    there = {(row["label"], row["seed"]) for row in ledger.rows}
    calls = []
    for label in prism.composers:
        seeds = [s for s in range(seed, seed + count) if (label, s) not in there]
        calls += [(label, seeds[i : i + batch]) for i in range(0, len(seeds), batch)]

    def drawn(call: tuple[str, list[int]]) -> list[Row]:
        label, seeds = call
        return [packed_roll(roll) for roll in prism(label, seed=seeds).rolls]

    for (label, seeds), rolls in zip(calls, in_processes(drawn, calls, processes), strict=True):
        for one, roll in zip(seeds, rolls, strict=True):
            ledger.add({"label": label, "seed": one, "roll": roll})
        yield len(seeds)


def sample_side(ledger: Ledger, count: int, seed: int) -> Side:
    """Those samples, in the order of their seeds."""
    rows = [r for r in ledger.rows if seed <= r["seed"] < seed + count]
    rows.sort(key=lambda row: (row["seed"], row["label"]))
    return _drawn([(row["label"], row["roll"]) for row in rows])


def run_side(rows: Sequence[Row], system: str) -> Side:
    """What a system drew in the experiment's runs."""
    return _drawn([(row["composer"], row["systems"][system]["roll"]) for row in rows])


def _drawn(rolls: Sequence[tuple[str, Row]]) -> Side:
    labels, packs = zip(*rolls, strict=True)
    return Side([unpacked_roll(p) for p in packs], labels, [str(i) for i in range(len(packs))])
