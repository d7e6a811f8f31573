"""Filling in the controls for the visitor: from an example, by chance, out of the visit's results.

Every handler gives what `filled` does, for the outputs `Controls.filled` of the Play panel.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import gradio as gr

from prism.music.attributes import NAMES
from prism.service.choice import MAXIMUM_COMPOSERS
from prism.service.examples import EXAMPLES
from prism.service.sharing import USUAL_WEIGHT, Shared, shared
from prism.service.studio import Studio
from prism.service.visit import Visit

# Where samples are neither vague nor crowded; the whole range is wider.
SURPRISING_GUIDANCE = (1.5, 3.0)
_SURPRISING_SHARES = (30, 40, 50, 60, 70)
_SEEDS = 100_000  # short enough to read out to somebody


class Filling:
    """Event handlers that fill in the controls.

    Parameters
    ----------
    studio : Studio
        Knows the composers.
    chance : Random, optional
        Makes the surprises.
    """

    def __init__(self, studio: Studio, chance: random.Random | None = None) -> None:
        self.studio = studio
        self._chance = chance or random.Random()

    def examples(self) -> list[Any]:
        """Show the buttons of the examples whose composers the model knows."""
        try:
            known = set(self.studio.composers)
        except (ValueError, OSError):
            known = set()  # the status line says what is missing
        return [gr.update(visible=known.issuperset(e.composers)) for e in EXAMPLES.values()]

    def example(self, name: str) -> list[Any]:
        """Fill in an example's choice."""
        return filled(EXAMPLES[name])

    def surprise(self) -> list[Any]:
        """Fill in one or two composers, a guidance scale and a seed by chance."""
        try:
            names = self.studio.composers
        except (ValueError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error
        composers = self._chance.sample(names, min(self._chance.randint(1, 2), len(names)))
        share = self._chance.choice(_SURPRISING_SHARES)
        low, high = (round(10 * bound) for bound in SURPRISING_GUIDANCE)
        made = Shared(
            tuple(composers),
            (share, 100 - share)[: len(composers)],
            guidance_scale=self._chance.randint(low, high) / 10,
            seed=self._chance.randrange(_SEEDS),
        )
        _guidance_scale, _seed, *stays = made.settings
        # What a visitor set for good stays.
        return [*filled(made)[: -len(stays)], *[gr.skip()] * len(stays)]

    def recall(self, visit: Visit, event: gr.EventData) -> list[Any]:
        """Fill in an earlier result's choice, and compare with what it was compared with."""
        entry = visit.history.entry(event.number)
        if entry is None:
            raise gr.Error(
                "That result is no longer kept: choose one of those in the list.",
                print_exception=False,
            )
        visit.own = entry.own
        return filled(shared(entry.choice))


def filled(wanted: Shared) -> list[Any]:
    """(composers, the mixer's composers, *weights, *settings)."""
    composers = list(wanted.composers)
    return [gr.update(value=composers), *mixer_and_settings(wanted, composers)]


def mixer_and_settings(wanted: Shared, composers: list[str]) -> list[Any]:
    """(the mixer's composers, *weights, *settings), the last as in `Shared.settings`."""
    return [
        # As if they had stood there before: the mixer keeps the weights of those it knows.
        *weights_for(composers, composers, *wanted.weights),
        *wanted.settings,
    ]


def offered(wanted: Shared, attributes: Mapping[str, Sequence[str]]) -> list[Any]:
    """The attributes' controls: those that the model knows are seen."""
    return [
        gr.update(value=getattr(wanted, name), **_offer(attributes.get(name, ()))) for name in NAMES
    ]


def wishes(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of what can be asked for or left open."""
    return [("as it comes", ""), *((value, value) for value in values)]


def _offer(values: Sequence[str]) -> dict[str, Any]:
    return {"choices": wishes(values), "visible": bool(values)}


def changed_weights(composers: list[str], before: list[str], *weights: float) -> list:
    """`weights_for` other composers than those whose weights the sliders show already.

    After the controls were filled in, the sliders' values can arrive here as they were before.
    """
    if composers == before:
        return [gr.skip()] * (MAXIMUM_COMPOSERS + 1)
    return weights_for(composers, before, *weights)


def weights_for(composers: list[str], before: list[str], *weights: float) -> list:
    """One slider a composer once there are two; a composer keeps its weight when others go."""
    kept = dict(zip(before, weights, strict=False))
    sliders = [
        gr.update(
            visible=len(composers) > 1,
            label=f"{name}, weight",
            value=kept.get(name, USUAL_WEIGHT),
        )
        for name in composers[:MAXIMUM_COMPOSERS]
    ]
    hidden = [gr.update(visible=False)] * (MAXIMUM_COMPOSERS - len(sliders))
    return [composers, *sliders, *hidden]
