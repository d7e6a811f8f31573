"""Say it: the line above the controls, which fills them in from a visitor's words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gradio as gr

from prism.models.settings import PUBLIC, PUBLIC_OTHERS
from prism.service.describe import WORDS, Description
from prism.service.log import fault_words
from prism.service.service import Service
from prism.ui.element import Element
from prism.ui.mixer import mix_value
from prism.ui.player import status


class SayLine(Element):
    """Takes the visitor's words, and shows what was understood; its value is `say_value`'s.

    Its ``said`` event carries the ``words``.
    """

    asset = "page/say"


def say_value(found: Description | None = None) -> dict[str, Any]:
    """The value of `SayLine`: a chip for all that was understood and for all that was not."""
    understood, unused = (found.understood, found.unused) if found else ((), ())
    chips = [{"text": str(one), "title": f"from “{one.words}”"} for one in understood]
    chips += [{"text": one.words, "title": one.reason, "unused": True} for one in unused]
    settings = found.settings if found else {}
    return {"longest": WORDS.longest, "chips": chips, "settings": settings}


class Saying:
    """The event handler of the line.

    Parameters
    ----------
    service : Service
        Knows what can be asked for.
    """

    def __init__(self, service: Service) -> None:
        self.service = service

    def said(self, before: dict[str, Any], event: gr.EventData) -> list[Any]:
        """Fill in what the words ask for; (line, status, *`prism.ui.presets.filled`).

        What an earlier line set and this one does not say is as on a new page again. All else stays
        as it is, and everything if nothing is understood.
        """
        unchanged = [gr.skip()] * len(PUBLIC)
        try:
            found = self.service.describe(event.words)
        except (ValueError, OSError) as error:
            return [gr.skip(), status(fault_words(error), error=True), *unchanged]
        unused = f" Not used: {', '.join(map(str, found.unused))}." if found.unused else ""
        if not found.settings:
            shown = say_value(found) | {"settings": before["settings"]}
            return [
                shown,
                status(f"Nothing was understood, and nothing changed.{unused}"),
                *unchanged,
            ]
        told = status(f"Settings changed: press Generate.{unused}")
        return [say_value(found), told, *self._filled(found.settings, before["settings"])]

    def _filled(self, settings: Mapping[str, Any], before: Mapping[str, Any]) -> list[Any]:
        """Only these, and the default of what stood there before; as `prism.ui.presets.filled`."""
        others = {name: PUBLIC[name].public_default for name in before if name in PUBLIC_OTHERS}
        others |= settings
        mix = [gr.skip(), gr.skip()]
        if composers := settings.get("composers"):
            mixer = mix_value(composers, settings["weights"], self.service.composers)
            mix = [gr.update(value=composers), mixer]
        return [*mix, *(others.get(name, gr.skip()) for name in PUBLIC_OTHERS)]
