"""The experiment itself: run after run, each written down as soon as it is done.

A run's row holds all that is ever asked of it, so that tables and figures need no model.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch.nn.functional as F

from prism.evaluation.bootstrap import rounded
from prism.evaluation.systems import Run, Systems
from prism.music.roll import PianoRoll
from prism.music.statistics import describe
from prism.music.writing import explained, make_folder, write_text
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.scorer import SimilarityScorer

REFERENCE = "reference"
# For these it is asked how near they come to the training music.
_SEARCHED = (REFERENCE, "prism", "amt")
_DECIMALS = 5

Row = dict[str, Any]


def experiment(
    systems: Systems, scorer: SimilarityScorer, index: TrainingIndex, runs: Sequence[Run]
) -> Iterator[Row]:
    """Yield each run's row as it is done.

    The scorer's network named ``corpus`` also says whom it recognises; the index holds the
    training music.
    """
    for run in runs:
        rolls = {REFERENCE: systems.reference(run)} | systems.draw(run)
        yield _row(run, rolls, scorer, index)


def _row(
    run: Run, rolls: dict[str, PianoRoll], scorer: SimilarityScorer, index: TrainingIndex
) -> Row:
    """All figures of one run; the first roll is the reference."""
    features = scorer.features(list(rolls.values()))
    cosines = {n: F.cosine_similarity(f[:1], f).tolist() for n, f in features.items()}
    network = scorer.networks["corpus"]
    likely = network.probabilities(list(rolls.values()))
    mine = likely[:, network.composers.index(run.composer)]
    ranks = (likely > mine[:, None]).sum(1) + 1  # the composer's: 1 is the likeliest
    systems = {}
    for k, (name, roll) in enumerate(rolls.items()):
        systems[name] = {
            "cosines": {n: rounded(c[k], _DECIMALS) for n, c in cosines.items()},
            "features": [rounded(x, _DECIMALS) for x in features["corpus"][k]],
            "statistics": {key: rounded(x, _DECIMALS) for key, x in describe(roll).items()},
            "probability": rounded(mine[k], _DECIMALS),
            "rank": int(ranks[k]),
        }
        if name in _SEARCHED:
            systems[name]["nearest"] = rounded(index.nearest(roll).overlap, _DECIMALS)
    return {"run": run.number, "composer": run.composer, "seed": run.seed, "systems": systems}


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
        If the file was begun with something else, or is damaged.
    """

    def __init__(self, path: pathlib.Path, origin: dict[str, Any]) -> None:
        self.path = path
        self.rows: list[Row] = []
        make_folder(path.parent)
        if not path.is_file():
            write_text(path, json.dumps(origin) + "\n")
            return
        # A run killed while writing leaves half a line, which is dropped.
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            found, *self.rows = map(json.loads, whole)
        except ValueError as error:
            raise ValueError(
                f"{path} is damaged; delete it or choose another --output folder"
            ) from error
        if found != origin:
            raise ValueError(
                f"{path} was begun with other weights, corpus or settings; "
                "delete it or choose another --output folder"
            )
        write_text(path, "".join(whole))

    def missing(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that are not there yet."""
        done = {row["run"] for row in self.rows}
        return [run for run in runs if run.number not in done]

    def add(self, row: Row) -> None:
        """Write a row down."""
        with explained(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)
