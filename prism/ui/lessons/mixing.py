"""Mixing: two composers along a slider, with one seed."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

from gradio.components import Component

from prism import ASSETS
from prism.music.naming import mixture
from prism.ui.lessons.lesson import (
    DRAWN,
    Lesson,
    composer_control,
    count_notes,
    percent,
    seed_control,
)
from prism.ui.lessons.rolls import Column, Meter, Picture, View

SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
_MIDDLE = 2

_TEXT = """### Two composers at once
No piece in the corpus is half one composer's and half another's, so the model has never seen one.
It can mix all the same: at every step it guesses once for each composer, and the sampler goes a
weighted way between the guesses. Do not expect too much: mostly one of them wins, or somebody else
is heard."""


def _measured(path: pathlib.Path) -> str:
    """How often even mixtures are recognised as both; empty if nobody has measured it."""
    if not path.is_file():
        return ""
    rows = json.loads(path.read_text(encoding="utf-8"))["mixing"]
    even = next(row for row in rows if row["weight"] == 0.5)
    return (
        f"Of {even['samples']} even mixtures the corpus network put both composers first and "
        f"second in {round(even['both_in_top_two'] * even['samples'])}."
    )


class Mixing(Lesson):
    """A slider from one composer to another."""

    name = "4 Mixing"
    action = "Draw five"
    defaults = (0, -1)

    @property
    def text(self) -> str:
        """The paragraph, with what the stored experiment found."""
        return f"{_TEXT} {_measured(ASSETS / 'evaluation.json')}"

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control("From"), composer_control("To"), seed_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        first, second = self.composer(controls[0]), self.composer(controls[1], choice=1)
        seed = self.seed(controls[2])
        if first == second:
            raise ValueError(
                f"Both composers are {first}, and should be two: change one, then press "
                f"{self.action}."
            )
        pictures: list[Picture] = []
        for share in SHARES:
            pictures.append(self._mixed({first: 1 - share, second: share}, seed))
            done = len(pictures) == len(SHARES)
            stops = [picture.title for picture in pictures]
            said = "Drag the slider." if done else f"{len(pictures)} of {len(SHARES)}…"
            start = _MIDDLE if done else len(pictures) - 1
            yield View([Column(pictures)], stops, f"From {first} to {second}", start, said=said)

    def _mixed(self, mix: dict[str, float], seed: int) -> Picture:
        # A composer of weight 0 is left out: he would cost time and change nothing.
        heard = {name: share for name, share in mix.items() if share > 0}
        roll = self.drawn(list(heard), list(heard.values()), 2.0, seed)
        found = self.recognised(roll)
        meters = tuple(
            Meter(f"Sounds like {name}", percent(found.get(name, 0.0)), found.get(name, 0.0))
            for name in mix
        )
        title = mixture(list(heard), list(heard.values()))
        words = f"{count_notes(roll)} · likeliest: {max(found, key=found.get)}"
        return Picture(title, roll, words, meters, caption=DRAWN)
