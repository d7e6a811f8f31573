"""One transport for the players that are compared."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prism.service.sides import Side
from prism.ui.element import Element


class Transport(Element):
    """Plays the players inside the element of class ``prism-together`` as one, and has the legend.

    All of them run at the same beat and one is heard. Its value is what `transport_value` returns.
    """

    asset = "page/transport"
    parts = ("player/palette", "player/view", "player/ensemble")


def transport_value(sides: Iterable[Side]) -> dict[str, Any]:
    """The transport's value: the names of the sides, in the order of their players."""
    return {"sides": [side.title for side in sides]}
