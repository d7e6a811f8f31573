"""Rows of the experiment → the figures that are stored, shown and quoted. No model is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from prism.evaluation.competitors import COMPETITORS
from prism.evaluation.estimates import (
    Interval,
    bootstrap_interval,
    frechet,
    share_interval,
    wasserstein,
)
from prism.evaluation.experiment import REFERENCE, Row
from prism.music.statistics import NAMES
from prism.similarity.neighbours import COPY_OVERLAP

RIVAL = {"prism": "amt"}  # everybody else's is Prism
_FRECHET_RESAMPLES = 200
_DECIMALS = 4


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """Every section that rests on the experiment's rows, at least one."""
    rows = sorted(rows, key=lambda row: row["run"])
    networks = list(rows[0]["sides"][REFERENCE]["cosines"])
    return {
        "networks": {name: network_section(rows, name) for name in networks},
        "agreement": agreement_section(rows),
        "statistics": statistics_section(rows),
        "frechet": frechet_section(rows),
        "originality": originality_section(rows),
    }


def network_section(rows: Sequence[Row], network: str) -> dict[str, Any]:
    """Cosines with the reference in one network's eyes, for each competitor.

    ``wins`` counts the runs in which a competitor is nearer to the reference than its rival: AMT
    for Prism, Prism for everybody else. ``of_ceiling`` is its mean over that of `real`.
    """
    cosines = {c: cosines_of(rows, c, network) for c in COMPETITORS}
    wins = {c: int((cosines[c] > cosines[RIVAL.get(c, "prism")]).sum()) for c in COMPETITORS}
    composers = sorted({row["composer"] for row in rows})
    mine = {name: [row["composer"] == name for row in rows] for name in composers}
    return {
        "mean": {c: _round(v.mean()) for c, v in cosines.items()},
        "interval": {c: _pair(bootstrap_interval(v)) for c, v in cosines.items()},
        "wins": wins,
        "wins_interval": {c: _pair(share_interval(n, len(rows))) for c, n in wins.items()},
        "of_ceiling": {c: _round(v.mean() / cosines["real"].mean()) for c, v in cosines.items()},
        "cosines": {c: [_round(x) for x in v] for c, v in cosines.items()},
        "composers": {
            name: {c: _round(v[mine[name]].mean()) for c, v in cosines.items()}
            for name in composers
        },
    }


def cosines_of(rows: Sequence[Row], competitor: str, network: str) -> np.ndarray:
    """A competitor's cosines with the reference, shape=(runs,)."""
    return np.array([row["sides"][competitor]["cosines"][network] for row in rows])


def agreement_section(rows: Sequence[Row]) -> dict[str, Any]:
    """How often the corpus network takes a side for the run's composer, first or among two."""
    section = {}
    for side in (REFERENCE, *COMPETITORS):
        ranks = np.array([row["sides"][side]["rank"] for row in rows])
        probability = np.mean([row["sides"][side]["probability"] for row in rows])
        first, two = int((ranks == 1).sum()), int((ranks <= 2).sum())
        section[side] = {
            "recognised": _round(first / len(rows)),
            "interval": _pair(share_interval(first, len(rows))),
            "in_top_two": _round(two / len(rows)),
            "probability": _round(probability),
        }
    return section


def statistics_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Each note statistic: mean, and distance from the references' distribution.

    The distance is Wasserstein's over the references' standard deviation, so that 1 means as far
    off as real pieces differ among themselves; that of `real` is what chance alone gives. A
    statistic that some side's rolls never have is left out.
    """
    section = {}
    for name in NAMES:
        values = {side: _statistic(rows, side, name) for side in (REFERENCE, *COMPETITORS)}
        if not all(found.size for found in values.values()):
            continue
        truth = values[REFERENCE]
        spread = max(float(truth.std()), 1e-9)
        section[name] = {
            side: {
                "mean": _round(found.mean()),
                "distance": _round(wasserstein(found, truth) / spread),
            }
            for side, found in values.items()
        }
    return section


def _statistic(rows: Sequence[Row], side: str, name: str) -> np.ndarray:
    """Of the rolls that have it."""
    found = (row["sides"][side]["statistics"] for row in rows)
    return np.array([statistics[name] for statistics in found if name in statistics])


def frechet_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Fréchet distance from the references in the corpus network's features, with intervals.

    Runs are drawn again in pairs (a competitor's roll with its reference). Drawing the same row
    twice makes clouds look smaller, so the intervals tend to lie above the value.
    """
    if len(rows) < 2:
        return {}
    truth = _features(rows, REFERENCE)
    section = {}
    for side in COMPETITORS:
        both = np.stack([_features(rows, side), truth], axis=1)
        interval = bootstrap_interval(
            both, lambda pairs: frechet(pairs[:, 0], pairs[:, 1]), resamples=_FRECHET_RESAMPLES
        )
        section[side] = {"value": _round(frechet(both[:, 0], truth)), "interval": _pair(interval)}
    return section


def _features(rows: Sequence[Row], side: str) -> np.ndarray:
    return np.array([row["sides"][side]["features"] for row in rows])


def originality_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Overlap with the nearest training music: mean, quantiles, values, and how many copies."""
    section = {}
    for side, example in rows[0]["sides"].items():
        if "nearest" in example:
            values = np.array([row["sides"][side]["nearest"] for row in rows])
            section[side] = {
                "mean": _round(values.mean()),
                "interval": _pair(bootstrap_interval(values)),
                "quantiles": [_round(q) for q in np.quantile(values, (0.05, 0.5, 0.95))],
                "copies": int((values >= COPY_OVERLAP).sum()),
                "values": [_round(v) for v in values],
            }
    return section


def _round(value: float) -> float:
    return round(float(value), _DECIMALS)


def _pair(interval: Interval) -> list[float]:
    return [_round(end) for end in interval]
