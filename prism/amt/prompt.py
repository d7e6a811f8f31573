"""What the baseline starts from, and under which seed, wherever it stands beside Prism."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from prism.music.naming import metre
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll, top_line
from prism.music.windows import Window

PROMPT_BEATS = 16

_MULTIPLIER = 48_271
_MODULUS = 2**31 - 1


@dataclasses.dataclass(frozen=True)
class AMTPrompt:
    """What the baseline starts from, and the words for it."""

    words: str
    prompt: PianoRoll | None = None
    melody: PianoRoll | None = None

    def detail(self, model: str, seed: int, roll: PianoRoll) -> str:
        """What a roll was written from: by which model, from what, with whose seed."""
        told = f"seed {amt_seed(seed)} (from {seed})"
        return " · ".join([model, self.words, told, metre(roll)])


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


def amt_prompt(
    start: str, opening: Callable[[], Window], drawn: Callable[[], PianoRoll]
) -> AMTPrompt:
    """Make the prompt, and of `opening` and `drawn` call only what it needs.

    Parameters
    ----------
    start : str
        One of `prism.models.settings.AMT_STARTS`.
    opening : callable
        Gives the window to be prompted with.
    drawn : callable
        Gives Prism's roll.
    """
    if start == "nothing":
        return AMTPrompt("unprompted")
    if start == "melody":
        return AMTPrompt("accompanies Prism's melody", melody=top_line(drawn()))
    window = opening()
    words = f"prompted with the opening of {window.piece.title} (not played)"
    return AMTPrompt(words, prompt=prompt_roll(window))


def prompt_roll(window: Window) -> PianoRoll:
    """A window's first `PROMPT_BEATS` beats, in whole bars, so that what follows begins a bar."""
    bar = window.roll.bar_frames
    frames = max(1, PROMPT_BEATS * FRAMES_PER_BEAT // bar) * bar
    return window.piece.window(window.start_tick, frames)
