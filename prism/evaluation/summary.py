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
from prism.evaluation.clouds import density_and_coverage, discrepancy
from prism.evaluation.ledger import Row
from prism.evaluation.systems import REFERENCE
from prism.music.statistics import NAMES
from prism.similarity.neighbours import COPY_OVERLAP

RIVAL = {"prism": "amt"}  # of all others: Prism
_DECIMALS = 6  # of discrepancies, which are small
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
        "clouds": clouds_section(rows),
        "originality": originality_section(rows),
    }


def _systems(rows: Sequence[Row]) -> list[str]:
    """The systems that the rows compare with their references."""
    return [name for name in rows[0]["systems"] if name != REFERENCE]


def network_section(rows: Sequence[Row], network: str) -> dict[str, Any]:
    """Cosines with the reference by one network's features, for each system.

    ``wins`` counts the runs in which a system is nearer to the reference than its rival: AMT
    for Prism, Prism for all others. ``of_ceiling`` is its mean over that of `real`.
    """
    cosines = {
        c: np.array([row["systems"][c]["cosines"][network] for row in rows]) for c in _systems(rows)
    }
    wins = {c: int((v > cosines[RIVAL.get(c, "prism")]).sum()) for c, v in cosines.items()}
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


def _values(rows: Sequence[Row], system: str, name: str) -> np.ndarray:
    """One figure of a system in every run, shape=(runs, ...)."""
    return np.array([row["systems"][system][name] for row in rows])


def agreement_section(rows: Sequence[Row]) -> dict[str, Any]:
    """How often the corpus network names the run's composer first, or among its two likeliest."""
    section = {}
    for system in (REFERENCE, *_systems(rows)):
        ranks = _values(rows, system, "rank")
        section[system] = {
            "recognised": rounded((ranks == 1).mean()),
            "interval": rounded_pair(share_interval(int((ranks == 1).sum()), len(rows))),
            "in_top_two": rounded((ranks <= 2).mean()),
            "probability": rounded(_values(rows, system, "probability").mean()),
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
        values = {}
        for system in (REFERENCE, *_systems(rows)):
            found = (row["systems"][system]["statistics"] for row in rows)
            values[system] = np.array([figures[name] for figures in found if name in figures])
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


def frechet_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Fréchet distance from the references in the corpus network's features, with intervals.

    Runs are drawn again in pairs (a system's roll with its reference). Drawing the same row
    twice makes clouds look smaller, so the intervals tend to lie above the value.
    """
    if len(rows) < 2:
        return {}
    truth = _values(rows, REFERENCE, "features")
    section = {}
    for system in _systems(rows):
        both = np.stack([_values(rows, system, "features"), truth], axis=1)
        interval = bootstrap_interval(
            both, lambda pairs: frechet(pairs[:, 0], pairs[:, 1]), resamples=_FRECHET_RESAMPLES
        )
        section[system] = {
            "value": rounded(frechet(both[:, 0], truth)),
            "interval": rounded_pair(interval),
        }
    return section


def clouds_section(rows: Sequence[Row]) -> dict[str, Any]:
    """How the corpus network's features of each system lie to the references'.

    For each ``mmd2`` and its ``p`` (see `clouds.discrepancy`), ``density`` and ``coverage``; those
    of `real` are what other real music has.
    """
    if len(rows) < 2:
        return {}
    truth, section = _values(rows, REFERENCE, "features"), {}
    for system in _systems(rows):
        features = _values(rows, system, "features")
        mmd2, p = discrepancy(truth, features)
        density, coverage = density_and_coverage(truth, features)
        section[system] = {
            "mmd2": rounded(mmd2, _DECIMALS),
            "p": rounded(p),
            "density": rounded(density),
            "coverage": rounded(coverage),
        }
    return section


def originality_section(rows: Sequence[Row]) -> dict[str, Any]:
    """Overlap with the nearest training music: mean, quantiles, values, and how many copies."""
    section = {}
    for system, example in rows[0]["systems"].items():
        if "nearest" in example:
            values = _values(rows, system, "nearest")
            section[system] = {
                "mean": rounded(values.mean()),
                "interval": rounded_pair(bootstrap_interval(values)),
                "quantiles": [rounded(q) for q in np.quantile(values, (0.05, 0.5, 0.95))],
                "copies": int((values >= COPY_OVERLAP).sum()),
                "values": [rounded(v) for v in values],
            }
    return section
