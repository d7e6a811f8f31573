"""Presets in the controls for the visitor: from an example, by chance, out of the visit's results.

Every handler gives what `filled` does, for the outputs `Controls.inputs` of the Play panel.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from typing import Any

import gradio as gr

from prism.models.setting_types import Offered, SettingError
from prism.models.settings import ATTRIBUTE_SETTINGS, PUBLIC_OTHERS, GenerationSettings
from prism.service.log import fault_words
from prism.service.service import Service
from prism.service.session import Session
from prism.ui.mixer import mix_value
from prism.ui.redrawing import edited
from prism.ui.takes import kept

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
        return filled(named[name], self.service.composers)

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
        # What a visitor set for good stays; what was redrawn was of another seed.
        changed = ("guidance_scale", "seed", "take", "keep", "redraw")
        *mix, others = *filled(made, names)[:2], made.public()
        return [*mix, *(others[n] if n in changed else gr.skip() for n in PUBLIC_OTHERS)]

    def redraw(self, session: Session, event: gr.EventData) -> list[Any]:
        """Fill in the choice of another version of the latest generation's piece."""
        try:
            return filled(edited(session, event), self.service.composers)
        except SettingError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def take(self, session: Session, event: gr.EventData) -> list[Any]:
        """Fill in the choice of one of the takes that are shown."""
        try:
            return filled(kept(session, event.number), self.service.composers)
        except SettingError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def recall(self, session: Session, event: gr.EventData) -> list[Any]:
        """Fill in an earlier result's choice, and compare with what it was compared with."""
        entry = session.history.entry(event.number)
        if entry is None:
            raise gr.Error(
                "That result is no longer kept: choose one of those in the list.",
                print_exception=False,
            )
        session.own = entry.own
        return filled(entry.settings, self.service.composers)


def filled(settings: GenerationSettings, known: Sequence[str]) -> list[Any]:
    """(composers, mixer, *settings)."""
    composers, weights, *others = settings.public().values()
    return [gr.update(value=composers), mix_value(composers, weights, known), *others]


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
