"""Rows of the experiment → the figures that are stored, shown and quoted. No model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from prism.evaluation.bootstrap import (
    bootstrap_interval,
    frechet,
    rounded,
    rounded_pair,
    share_interval,
    wasserstein,
)
from prism.evaluation.experiment import REFERENCE, Row
from prism.evaluation.systems import SYSTEMS
from prism.music.statistics import NAMES
from prism.similarity.neighbours import COPY_OVERLAP

RIVAL = {"prism": "amt"}  # of all others: Prism
_FRECHET_RESAMPLES = 200


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Every section that rests on the experiment's rows, at least one."""
    rows = sorted(rows, key=lambda row: row["run"])
    networks = list(rows[0]["systems"][REFERENCE]["cosines"])
    return {
        "networks": {name: network_section(rows, name) for name in networks},
        "agreement": agreement_section(rows),
        "statistics": statistics_section(rows),
        "frechet": frechet_section(rows),
        "originality": originality_section(rows),
    }


def network_section(rows: Sequence[Row], network: str) -> dict[str, Any]:
    """Cosines with the reference by one network's features, for each system.

    ``wins`` counts the runs in which a system is nearer to the reference than its rival: AMT
    for Prism, Prism for all others. ``of_ceiling`` is its mean over that of `real`.
    """
    cosines = {c: cosines_of(rows, c, network) for c in SYSTEMS}
    wins = {c: int((cosines[c] > cosines[RIVAL.get(c, "prism")]).sum()) for c in SYSTEMS}
    composers = sorted({row["composer"] for row in rows})
    mine = {name: [row["composer"] == name for row in rows] for name in composers}
    return {
        "mean": {c: rounded(v.mean()) for c, v in cosines.items()},
        "interval": {c: rounded_pair(bootstrap_interval(v)) for c, v in cosines.items()},
        "wins": wins,
        "wins_interval": {c: rounded_pair(share_interval(n, len(rows))) for c, n in wins.items()},
        "of_ceiling": {c: rounded(v.mean() / cosines["real"].mean()) for c, v in cosines.items()},
        "cosines": {c: [rounded(x) for x in v] for c, v in cosines.items()},
        "composers": {
            name: {c: rounded(v[mine[name]].mean()) for c, v in cosines.items()}
            for name in composers
        },
    }


def cosines_of(rows: Sequence[Row], system: str, network: str) -> np.ndarray:
    """A system's cosines with the reference, shape=(runs,)."""
    return np.array([row["systems"][system]["cosines"][network] for row in rows])


def agreement_section(rows: Sequence[Row]) -> dict[str, Any]:
    """How often the corpus network names the run's composer first, or among its two likeliest."""
    section = {}
    for system in (REFERENCE, *SYSTEMS):
        ranks = np.array([row["systems"][system]["rank"] for row in rows])
        probability = np.mean([row["systems"][system]["probability"] for row in rows])
        first, two = int((ranks == 1).sum()), int((ranks <= 2).sum())
        section[system] = {
            "recognised": rounded(first / len(rows)),
            "interval": rounded_pair(share_interval(first, len(rows))),
            "in_top_two": rounded(two / len(rows)),
            "probability": rounded(probability),
        }
    return section


def statistics_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Each note statistic: mean, and distance from the references' distribution.

    The distance is Wasserstein's over the references' standard deviation, so that 1 means as far
    off as real pieces differ among themselves; that of `real` is what chance alone gives. A
    statistic that some system's rolls never have is left out.
    """
    section = {}
    for name in NAMES:
        values = {system: _statistic(rows, system, name) for system in (REFERENCE, *SYSTEMS)}
        if not all(found.size for found in values.values()):
            continue
        truth = values[REFERENCE]
        spread = max(float(truth.std()), 1e-9)
        section[name] = {
            system: {
                "mean": rounded(found.mean()),
                "distance": rounded(wasserstein(found, truth) / spread),
            }
            for system, found in values.items()
        }
    return section


def _statistic(rows: Sequence[Row], system: str, name: str) -> np.ndarray:
    """Of the rolls that have it."""
    found = (row["systems"][system]["statistics"] for row in rows)
    return np.array([statistics[name] for statistics in found if name in statistics])


def frechet_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Fréchet distance from the references in the corpus network's features, with intervals.

    Runs are drawn again in pairs (a system's roll with its reference). Drawing the same row
    twice makes clouds look smaller, so the intervals tend to lie above the value.
    """
    if len(rows) < 2:
        return {}
    truth = _features(rows, REFERENCE)
    section = {}
    for system in SYSTEMS:
        both = np.stack([_features(rows, system), truth], axis=1)
        interval = bootstrap_interval(
            both, lambda pairs: frechet(pairs[:, 0], pairs[:, 1]), resamples=_FRECHET_RESAMPLES
        )
        section[system] = {
            "value": rounded(frechet(both[:, 0], truth)),
            "interval": rounded_pair(interval),
        }
    return section


def _features(rows: Sequence[Row], system: str) -> np.ndarray:
    return np.array([row["systems"][system]["features"] for row in rows])


def originality_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Overlap with the nearest training music: mean, quantiles, values, and how many copies."""
    section = {}
    for system, example in rows[0]["systems"].items():
        if "nearest" in example:
            values = np.array([row["systems"][system]["nearest"] for row in rows])
            section[system] = {
                "mean": rounded(values.mean()),
                "interval": rounded_pair(bootstrap_interval(values)),
                "quantiles": [rounded(q) for q in np.quantile(values, (0.05, 0.5, 0.95))],
                "copies": int((values >= COPY_OVERLAP).sum()),
                "values": [rounded(v) for v in values],
            }
    return section
