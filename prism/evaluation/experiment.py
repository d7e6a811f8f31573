"""The experiment itself: run after run, each written down as soon as it is done.

A run's row holds all that is ever asked of it, so that tables and figures need no model.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch.nn.functional as F

from prism.evaluation.systems import Run, Systems
from prism.music.roll import PianoRoll
from prism.music.statistics import describe
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.scorer import Score, SimilarityScorer

REFERENCE = "reference"
# For these it is asked how near they come to the training music.
_SEARCHED = (REFERENCE, "prism", "amt")
_DECIMALS = 5

Row = dict[str, Any]


class Examiner:
    """Turns a run's rolls into a row.

    Parameters
    ----------
    scorer : SimilarityScorer
        The feature networks; the one named ``corpus`` also says whom it recognises.
    index : TrainingIndex
        The training music.
    """

    def __init__(self, scorer: SimilarityScorer, index: TrainingIndex) -> None:
        self.scorer = scorer
        self.index = index

    def row(self, run: Run, reference: PianoRoll, drawn: dict[str, PianoRoll]) -> Row:
        """All figures of one run."""
        rolls = {REFERENCE: reference} | drawn
        features = self.scorer.features(list(rolls.values()))
        recognised = self._recognised(run.composer, list(rolls.values()))
        cosines = {n: F.cosine_similarity(f[:1], f).tolist() for n, f in features.items()}
        systems = {}
        for k, (name, roll) in enumerate(rolls.items()):
            systems[name] = {
                "cosines": {network: _rounded(c[k]) for network, c in cosines.items()},
                "features": [_rounded(x) for x in features["corpus"][k].tolist()],
                "statistics": {key: _rounded(x) for key, x in describe(roll).items()},
                **recognised[k],
            }
            if name in _SEARCHED:
                systems[name]["nearest"] = _rounded(self.index.nearest(roll).overlap)
        return {"run": run.number, "composer": run.composer, "seed": run.seed, "systems": systems}

    def _recognised(self, composer: str, rolls: Sequence[PianoRoll]) -> list[dict[str, float]]:
        """The corpus network's probability of the composer, and its rank (1 is the likeliest)."""
        network = self.scorer.networks["corpus"]
        place = network.composers.index(composer)
        table = network.probabilities(rolls)
        mine = table[:, place]
        ranks = (table > mine[:, None]).sum(1) + 1
        return [
            {"probability": _rounded(p), "rank": r}
            for p, r in zip(mine.tolist(), ranks.tolist(), strict=True)
        ]


def _rounded(value: float) -> float:
    return round(float(value), _DECIMALS)


def experiment(systems: Systems, examiner: Examiner, runs: Sequence[Run]) -> Iterator[Row]:
    """Yield each run's row as it is done."""
    for run in runs:
        yield examiner.row(run, systems.reference(run), systems.draw(run))


@dataclasses.dataclass(frozen=True)
class LiveRun:
    """A run with its scores alone, a list for each system."""

    run: Run
    scores: dict[str, list[Score]]


def live_runs(systems: Systems, scorer: SimilarityScorer, runs: Sequence[Run]) -> Iterator[LiveRun]:
    """Like `experiment`, for somebody who watches."""
    for run in runs:
        yield LiveRun(run, scorer.scores(systems.reference(run), systems.draw(run)))


class Ledger:
    """Rows on disk, one a line; a run that is there is not done again.

    Parameters
    ----------
    path : Path
        The file; its first line says what the rows were made with.
    origin : dict
        What this experiment is made with: weights, corpus, settings.

    Raises
    ------
    ValueError
        If the file was begun with something else.
    """

    def __init__(self, path: pathlib.Path, origin: dict[str, Any]) -> None:
        self.path = path
        self.rows: list[Row] = []
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file():
            path.write_text(json.dumps(origin) + "\n")
            return
        # A run killed while writing leaves half a line, which is dropped.
        first, *lines = path.read_text().splitlines(keepends=True)
        if json.loads(first) != origin:
            raise ValueError(
                f"{path} was begun with other weights, corpus or settings; "
                "delete it or choose another --output folder"
            )
        self.rows = [json.loads(line) for line in lines if line.endswith("\n")]
        path.write_text(first + "".join(line for line in lines if line.endswith("\n")))

    def missing(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that are not there yet."""
        done = {row["run"] for row in self.rows}
        return [run for run in runs if run.number not in done]

    def add(self, row: Row) -> None:
        """Write a row down."""
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)
