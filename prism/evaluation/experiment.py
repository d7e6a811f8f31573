"""The experiment itself: run after run, each written down as soon as it is done.

A run's row holds every figure of it, so that tables and figures need no model; and the notes that
the models drew, for the two-sample test.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import torch.nn.functional as F

from prism.evaluation.bootstrap import rounded
from prism.evaluation.ledger import Row
from prism.evaluation.processes import in_processes
from prism.evaluation.systems import DRAWN, REFERENCE, Run, Systems
from prism.music.packing import packed_roll
from prism.music.roll import PianoRoll
from prism.music.statistics import describe
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.scorer import SimilarityScorer

# The nearest training music is searched for these.
_SEARCHED = (REFERENCE, "prism", "amt")
_DECIMALS = 5
GROUP = 8


def experiment(
    systems: Systems,
    scorer: SimilarityScorer,
    index: TrainingIndex,
    runs: Sequence[Run],
    done: Collection[int] = (),
    processes: int = 1,
) -> Iterator[Row]:
    """Yield each run's row as it is done, but for those whose numbers are in `done`.

    The scorer's network named ``corpus`` also classifies the composer; the index holds the
    training music. `GROUP` runs are drawn together, always the same ones: a run that is left of a
    group is drawn with those that are done, as what is drawn together may depend on it in the last
    bit.
    """
    groups = [runs[start : start + GROUP] for start in range(0, len(runs), GROUP)]

    def rows_of(group: Sequence[Run]) -> list[Row]:
        return [
            _row(run, {REFERENCE: systems.reference(run)} | drawn, scorer, index)
            for run, drawn in zip(group, systems.draw_all(group), strict=True)
            if run.number not in done
        ]

    left = [group for group in groups if any(run.number not in done for run in group)]
    for rows in in_processes(rows_of, left, processes):
        yield from rows


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
        if name in DRAWN:
            systems[name]["roll"] = packed_roll(roll)
    return {"run": run.number, "composer": run.composer, "seed": run.seed, "systems": systems}
