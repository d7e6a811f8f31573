"""What the baseline is given, and its seed, wherever it stands beside Prism."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection
from typing import Any

from prism.models.settings import GenerationSettings
from prism.music.metadata import metre
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll, top_line
from prism.music.windows import Window

PROMPT_BEATS = 16
_MULTIPLIER, _MODULUS = 48_271, 2**31 - 1


@dataclasses.dataclass(frozen=True)
class AMTPrompt:
    """What the baseline is given: a start, and composers if it knows them.

    Parameters
    ----------
    words : str
        What it starts from.
    prompt, melody : PianoRoll, optional
        As of `prism.amt.pipeline.AMTPipeline.stream`.
    told : GenerationSettings, optional
        Whose composers it is told.
    """

    words: str
    prompt: PianoRoll | None = None
    melody: PianoRoll | None = None
    told: GenerationSettings | None = None

    @property
    def mix(self) -> str:
        """The composers it is told with their shares; empty for none."""
        return self.told.mix if self.told else ""

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of `AMTPipeline.stream`."""
        start = {"prompt": self.prompt, "melody": self.melody}
        names = ("composers", "composer_weights") if self.told else ()
        return start | {name: getattr(self.told, name) for name in names}

    def detail(self, model: str, seed: int, roll: PianoRoll) -> str:
        """What a roll was written from: by which model, told whom, from what, with whose seed."""
        told = [f"told {self.mix}"] if self.mix else []
        number = f"seed {amt_seed(seed)} (from {seed})"
        return " · ".join([model, *told, self.words, number, metre(roll)])


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
    settings: GenerationSettings,
    known: Collection[str],
    opening: Callable[[], Window],
    drawn: Callable[[], PianoRoll],
) -> AMTPrompt:
    """Make the prompt, and of `opening` and `drawn` call only what it needs.

    Parameters
    ----------
    known : collection of str
        Composers that the baseline can be told; it is told nothing unless it knows all.
    opening, drawn : callable
        Give the window to be prompted with, and Prism's roll.
    """
    told = settings if set(settings.composers) <= set(known) else None
    if settings.amt_start == "nothing":
        return AMTPrompt("unprompted", told=told)
    if settings.amt_start == "melody":
        return AMTPrompt("accompanies Prism's melody", melody=top_line(drawn()), told=told)
    window = opening()
    words = f"prompted with the opening of {window.piece.title} (not played)"
    return AMTPrompt(words, prompt=prompt_roll(window), told=told)


def prompt_roll(window: Window) -> PianoRoll:
    """A window's first `PROMPT_BEATS` beats, in whole bars, so that what follows begins a bar."""
    bar = window.roll.bar_frames
    frames = max(1, PROMPT_BEATS * FRAMES_PER_BEAT // bar) * bar
    return window.piece.window(window.start_tick, frames)
