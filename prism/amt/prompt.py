"""The baseline's prompt and its seed, wherever it stands beside Prism."""

from __future__ import annotations

import numpy as np

from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.music.windows import Window

PROMPT_BEATS = 16
_MULTIPLIER, _MODULUS = 48_271, 2**31 - 1


def amt_seed(seed: int) -> int:
    """The baseline's seed for a visitor's: one step of Park and Miller's generator.

    48271 · (seed + 1) mod (2³¹ − 1). The two models would draw from the same stream of random
    numbers if both took the visitor's seed as it is.

    Examples
    --------
    >>> amt_seed(0), amt_seed(1), amt_seed(44_488)
    (48271, 96542, 44872)
    """
    return _MULTIPLIER * (seed + 1) % _MODULUS


def prompt_roll(window: Window) -> PianoRoll:
    """A window's first `PROMPT_BEATS` beats, in whole bars, so that what follows begins a bar."""
    roll = window.roll
    ends = np.append(roll.bar_starts[1:], roll.frames)
    within = ends[ends <= PROMPT_BEATS * FRAMES_PER_BEAT]
    frames = int(within[-1] if len(within) else ends[0])
    return window.piece.window(window.start_tick, frames)
