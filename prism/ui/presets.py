"""Presets in the controls for the visitor: from an example, by chance, out of the visit's results.

Every handler gives what `filled` does, for the outputs `Controls.filled` of the Play panel.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import gradio as gr

from prism.models.setting_types import Offered
from prism.models.settings import ATTRIBUTE_SETTINGS, PUBLIC, SETTINGS, GenerationSettings
from prism.service.log import fault_words
from prism.service.service import Service
from prism.service.session import Session

_MOST = SETTINGS["composers"].most
# How many values `filled` gives: the mixer's composers come on top of the settings.
FILLED = len(PUBLIC) + _MOST
# Where samples are neither vague nor crowded; the whole range is wider.
SURPRISING_GUIDANCE = (1.5, 3.0)
_SURPRISING_SHARES = (30, 40, 50, 60, 70)
_SEEDS = 100_000  # short enough to read out to somebody


class Presets:
    """Event handlers that fill in the controls.

    Parameters
    ----------
    service : Service
        Knows the composers.
    chance : Random, optional
        Makes the surprises.
    """

    def __init__(self, service: Service, chance: random.Random | None = None) -> None:
        self.service = service
        self._chance = chance or random.Random()

    def examples(self) -> list[Any]:
        """Show the buttons of the examples whose composers the model knows."""
        try:
            known = set(self.service.composers)
        except (ValueError, OSError):
            known = set()  # the status line says what is missing
        chosen = [example.settings.composers for example in self.service.stored.examples]
        return [gr.update(visible=known.issuperset(composers)) for composers in chosen]

    def example(self, name: str) -> list[Any]:
        """Fill in an example's choice."""
        named = {example.name: example.settings for example in self.service.stored.examples}
        return filled(named[name])

    def surprise(self) -> list[Any]:
        """Fill in one or two composers, a guidance scale and a seed by chance."""
        try:
            names = self.service.composers
        except (ValueError, OSError) as error:
            raise gr.Error(fault_words(error), print_exception=False) from error
        composers = self._chance.sample(names, min(self._chance.randint(1, 2), len(names)))
        share = self._chance.choice(_SURPRISING_SHARES)
        low, high = (round(10 * bound) for bound in SURPRISING_GUIDANCE)
        made = GenerationSettings(
            composers,
            (share, 100 - share)[: len(composers)],
            guidance_scale=self._chance.randint(low, high) / 10,
            seed=self._chance.randrange(_SEEDS),
        )
        # What a visitor set for good stays.
        changed = ("composers", "weights", "guidance_scale", "seed")
        stays = len(PUBLIC) - len(changed)
        return [*filled(made)[:-stays], *[gr.skip()] * stays]

    def recall(self, session: Session, event: gr.EventData) -> list[Any]:
        """Fill in an earlier result's choice, and compare with what it was compared with."""
        entry = session.history.entry(event.number)
        if entry is None:
            raise gr.Error(
                "That result is no longer kept: choose one of those in the list.",
                print_exception=False,
            )
        session.own = entry.own
        return filled(entry.settings)


def filled(settings: GenerationSettings) -> list[Any]:
    """(composers, the mixer's composers, *weights, *settings)."""
    composers, weights, *others = settings.public().values()
    # As if they had stood there before: the mixer keeps the weights of those it knows.
    return [gr.update(value=composers), *weights_for(composers, composers, *weights), *others]


def offered(settings: GenerationSettings, known: Offered) -> list[Any]:
    """The attributes' controls: those that the model knows are seen."""
    updates = []
    for name in ATTRIBUTE_SETTINGS:
        choices = known.attributes.get(name, ())
        value = settings.attributes.get(name, "")
        updates.append(gr.update(value=value, choices=open_or(choices), visible=bool(choices)))
    return updates


def open_or(values: Iterable[str]) -> list[tuple[str, str]]:
    """Choices of what can be asked for or left open."""
    return [("Any", ""), *((value, value) for value in values)]


def changed_weights(composers: list[str], before: list[str], *weights: float) -> list:
    """`weights_for` other composers than those whose weights the sliders show already.

    After the controls were filled in, the sliders' values can arrive here as they were before.
    """
    if composers == before:
        return [gr.skip()] * (_MOST + 1)
    return weights_for(composers, before, *weights)


def weights_for(composers: list[str], before: list[str], *weights: float) -> list:
    """One slider a composer once there are two; a composer keeps its weight when others go."""
    kept = dict(zip(before, weights, strict=False))
    sliders = [
        gr.update(
            visible=len(composers) > 1,
            label=f"{name}, weight",
            value=kept.get(name, SETTINGS["composer_weights"].default),
        )
        for name in composers[:_MOST]
    ]
    hidden = [gr.update(visible=False)] * (_MOST - len(sliders))
    return [composers, *sliders, *hidden]
