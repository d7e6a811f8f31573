"""How well drawn beats fit the kept ones: parts of real windows drawn anew by both models.

Conventions
-----------
part
    Which beats are drawn: ``continued``, the second half; ``redrawn``, the middle half.
system
    ``real``, the window itself; ``prism`` and ``amt``, which draw the part around the rest and are
    told the composer if they can be; ``free``, a whole sample of Prism's, cut in the same way;
    ``apart``, that sample's part in the window's place, drawn without hearing the rest.
key kept
    The cosine of how long each pitch class sounds in the part and in the rest.
one-frame notes at seams
    Their share of the notes that begin in the last frame before a seam or in the first after it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from prism.corpora.prepared import Corpus
from prism.evaluation.bootstrap import rounded
from prism.models.known import KnownBeats
from prism.models.pipeline import PrismPipeline
from prism.music.roll import BEATS, FRAMES_PER_BEAT, LOWEST_PITCH, PianoRoll
from prism.music.statistics import mean_description
from prism.music.windows import cut

PARTS = {"continued": (BEATS // 2, BEATS), "redrawn": (BEATS // 4, 3 * BEATS // 4)}
SYSTEMS = ("real", "prism", "amt", "free", "apart")
Rolls = dict[str, dict[str, list[PianoRoll]]]


def draw_parts(
    prism: PrismPipeline,
    together: Callable[[Sequence[dict[str, Any]]], list[PianoRoll]],
    told: Sequence[str],
    corpus: Corpus,
    windows: int,
    seed: int,
    split: str = "validation",
) -> Iterator[tuple[str, Rolls]]:
    """A label and its rolls by part and system, of `windows` of its windows, evenly chosen.

    Parameters
    ----------
    together : callable
        Draws the baseline's samples, as `prism.amt.together.draw_together`.
    told : sequence of str
        The composers that the baseline can be told.
    """
    for label in corpus.labels:
        found = corpus.windows(split, label)
        places = np.linspace(0, len(found) - 1, min(windows, len(found))).astype(int)
        real = [found[place].roll for place in places]
        seeds = list(range(seed, seed + len(real)))
        free = prism(label, seed=seeds).rolls
        told_here = {"composers": [label] if label in told else None}
        rolls: Rolls = {}
        for part, drawn in PARTS.items():
            kept = np.delete(np.arange(BEATS), slice(*drawn))
            calls = [
                {"seed": s, "known": roll, "known_beats": kept}
                for s, roll in zip(seeds, real, strict=True)
            ]
            rolls[part] = {
                "real": real,
                "prism": [prism(label, **call).rolls[0] for call in calls],
                "amt": together([call | told_here for call in calls]),
                "free": free,
                "apart": [
                    KnownBeats.of(roll, kept).joined(other)
                    for roll, other in zip(real, free, strict=True)
                ],
            }
        yield label, rolls


def part_figures(rolls: Sequence[PianoRoll], part: str) -> dict[str, float]:
    """Key kept, one-frame notes at seams (if any note begins there), statistics of the part."""
    first, last = (beat * FRAMES_PER_BEAT for beat in PARTS[part])
    drawn = np.zeros(BEATS * FRAMES_PER_BEAT, bool)
    drawn[first:last] = True
    seams = [frame for frame in (first, last) if frame < len(drawn)]
    begins, lengths = (np.concatenate(c) for c in zip(*map(_notes, rolls), strict=True))
    at = np.isin(begins, [frame + side for frame in seams for side in (-1, 0)])
    kept = {"key_kept": np.mean([key_kept(roll, drawn) for roll in rolls])}
    stubs = {"one_frame_at_seams": np.mean(lengths[at] == 1)} if at.any() else {}
    statistics = mean_description([cut(roll, first, last - first) for roll in rolls])
    return {name: rounded(value) for name, value in (kept | stubs | statistics).items()}


def key_kept(roll: PianoRoll, drawn: np.ndarray) -> float:
    """See Conventions; 0 where one of the two is silent."""
    pitch_class = (np.arange(len(roll.active)) + LOWEST_PITCH) % 12
    part, rest = (
        np.bincount(pitch_class, roll.active[:, frames].sum(1), minlength=12)
        for frames in (drawn, ~drawn)
    )
    size = np.linalg.norm(part) * np.linalg.norm(rest)
    return float(part @ rest / size) if size else 0.0


def _notes(roll: PianoRoll) -> tuple[np.ndarray, np.ndarray]:
    """First frame and number of frames of each."""
    _, start, end, _ = roll.arrays()
    return start, end - start
