"""In how many labels the samples' statistics come near to real music's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prism.evaluation.bootstrap import rounded
from prism.evaluation.two_sample import Side
from prism.music.roll import PianoRoll
from prism.music.statistics import LAGS, LINES, line_moves, mean_description

# How far a label's mean may be from real music's, as a share of the latter.
TOLERANCES = (
    dict.fromkeys(("notes", "polyphony", "on_beat", "scale_consistency"), 0.1)
    | dict.fromkeys(("pitch_class_entropy", "note_length"), 0.1)
    | {"one_frame_notes": 0.2, "empty_frames": 0.5, "repeated_bars": 0.2}
    | {f"bar_similarity_lag_{lag}": 0.15 for lag in LAGS}
    | dict.fromkeys(("top_steps", "bottom_steps", "top_reversals", "bottom_reversals"), 0.1)
    | dict.fromkeys(("bar_pitch_spread", "bar_note_spread"), 0.1)
)
# A line's larger leaps count as these.
_LARGEST_MOVE = 12


def tolerance_section(real: Side, sides: Mapping[str, Side]) -> dict[str, Any]:
    """For each of `TOLERANCES`, in how many labels each side's mean is within it of real music's.

    Returns
    -------
    dict
        ``labels``, how many there are; ``windows``, of each side in all; and ``statistics``: each
        one's ``tolerance``, mean over labels (``mean``, with that of ``reference``), and for each
        side the number of labels ``within`` and the others' names, ``outside``.
    """
    means = {"reference": _means(real)} | {name: _means(side) for name, side in sides.items()}
    truth = means["reference"]
    statistics = {}
    for name, tolerance in TOLERANCES.items():
        known = [label for label in truth if name in truth[label]]
        outside = {
            side: [
                label
                for label in known
                if not _is_near(means[side].get(label, {}).get(name), truth[label][name], tolerance)
            ]
            for side in sides
        }
        found = {
            side: [m[name] for m in rows.values() if name in m] for side, rows in means.items()
        }
        statistics[name] = {
            "tolerance": tolerance,
            "mean": {side: rounded(np.mean(v)) for side, v in found.items() if v},
            "within": {side: len(known) - len(names) for side, names in outside.items()},
            "outside": outside,
        }
    windows = {"reference": len(real.rolls)} | {n: len(side.rolls) for n, side in sides.items()}
    return {"labels": len(truth), "windows": windows, "statistics": statistics}


def _is_near(value: float | None, truth: float, tolerance: float) -> bool:
    # A trifle of slack, for tenths that a computer cannot write down.
    return value is not None and abs(value - truth) <= tolerance * abs(truth) + 1e-9


def _means(side: Side) -> dict[str, dict[str, float]]:
    """Each label's mean statistics."""
    return {label: mean_description(rolls) for label, rolls in _by_label(side).items()}


def _by_label(side: Side) -> dict[str, list[PianoRoll]]:
    rolls: dict[str, list[PianoRoll]] = {}
    for label, roll in zip(side.labels, side.rolls, strict=True):
        rolls.setdefault(label, []).append(roll)
    return rolls


def interval_section(real: Side, sides: Mapping[str, Side]) -> dict[str, Any]:
    """How far the intervals of the outer lines are from real music's.

    For each line and side the Jensen–Shannon distance of histograms of its moves (see
    `prism.music.statistics`), the mean over labels.
    """
    section = {}
    for line in LINES:
        truth = _histograms(real, line)
        section[line] = {}
        for name, side in sides.items():
            own = _histograms(side, line)
            both = [(truth[label], own[label]) for label in truth if label in own]
            distances = [jensen_shannon(*pair) for pair in both if all(h.any() for h in pair)]
            if distances:
                section[line][name] = rounded(np.mean(distances))
    return section


def _histograms(side: Side, line: str) -> dict[str, np.ndarray]:
    return {label: _histogram(rolls, line) for label, rolls in _by_label(side).items()}


def _histogram(rolls: Sequence[PianoRoll], line: str) -> np.ndarray:
    moves = np.concatenate([line_moves(roll, line) for roll in rolls])
    moves = np.clip(moves, -_LARGEST_MOVE, _LARGEST_MOVE) + _LARGEST_MOVE
    return np.bincount(moves, minlength=2 * _LARGEST_MOVE + 1)


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """Distance of two histograms, 0 to 1: the root of the divergence in bits (Lin 1991)."""
    a, b = a / a.sum(), b / b.sum()
    middle = (a + b) / 2
    divergence = sum(
        (own[own > 0] * np.log2(own[own > 0] / middle[own > 0])).sum() for own in (a, b)
    )
    return float(np.sqrt(max(divergence / 2, 0)))
