"""Four takes of the latest setting as small rolls: press one to hear and keep it."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator, Sequence
from typing import Any

import gradio as gr

from prism.models.setting_types import SettingError
from prism.models.settings import TAKES, GenerationSettings
from prism.service.cards import small_roll
from prism.service.log import fault_words, log_fault
from prism.service.service import Service
from prism.service.session import Session
from prism.service.takes import RULES, SORT, Take
from prism.ui.element import Element

logger = logging.getLogger(__name__)


class TakeStrip(Element):
    """Shows the takes; its value is `takes_value`.

    Its ``keep`` event carries the ``number`` of the take that is wanted.
    """

    asset = "page/takes"
    parts = ("page/small-roll",)


def takes_value(
    takes: Sequence[Take] = (),
    settings: GenerationSettings | None = None,
    text: str = "",
    error: bool = False,
) -> dict[str, Any]:
    """The strip's value: the takes, of which that of the `settings` is shown above, and words."""
    return {
        "takes": [
            {"number": take.number, "notes": small_roll(take.roll), "figures": dict(take.figures)}
            for take in takes
        ],
        "shown": (settings.take or 1) if settings and settings == settings.single else 0,
        "sorts": SORT.choices,
        "rules": {name: dataclasses.asdict(rule) for name, rule in RULES.items()},
        "text": text,
        "kind": "error" if error else "calm",
    }


class TakeHandlers:
    """Event handlers of the strip."""

    def __init__(self, service: Service) -> None:
        self.service = service

    def draw(self, session: Session) -> Iterator[dict[str, Any]]:
        """Draw the takes of the latest generation, then measure them; the strip's value."""
        generation = session.generation
        settings, drawn = generation.settings, []
        if settings is None:
            said = "There is nothing to draw again yet: press Generate first."
            yield takes_value(text=said, error=True)
            return
        yield takes_value(text=f"Drawing {TAKES} takes…")
        try:
            for takes in self.service.draw_takes(settings):
                drawn = takes
                if generation.over:
                    yield gr.skip()
                    return
            session.takes = drawn
            yield takes_value(drawn, settings, "Measuring them…")
            real = generation.pieces.get("corpus")
            found = self.service.measured(drawn, real and real.roll)
        except Exception as error:  # whatever it was, the rest of the page goes on
            log_fault(logger, "takes", error)
            done = "measured" if drawn else "drawn"
            said = f"The takes could not be {done}: {fault_words(error)}"
            yield takes_value(drawn, settings, said, error=True)
            return
        if session.takes is drawn:
            session.takes = found
            yield takes_value(found, session.generation.settings)
        else:
            yield gr.skip()

    def begun(self, session: Session) -> Any:
        """The strip's value after a click: its takes stay as long as it is the same setting."""
        settings = session.generation.settings
        if session.takes and session.takes[0].settings != settings.takes[0]:
            session.takes = []
            return takes_value()
        return takes_value(session.takes, settings) if session.takes else gr.skip()


def kept(session: Session, number: int) -> GenerationSettings:
    """The settings of one of the takes; raises `SettingError` where there is none."""
    for take in session.takes:
        if take.number == number:
            return take.settings
    raise SettingError("take", f"one of the takes that are shown: press {TAKES} takes", number)
