"""The bar of ready examples with the surprise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prism.ui.element import Element


class StartBar(Element):
    """Buttons that fill in the controls and generate; its value is what `starts_value` returns.

    Its ``example`` event carries the ``label`` of the one chosen; there is a ``surprise`` event.
    """

    asset = "page/starts"


def starts_value(names: Sequence[str] = ()) -> dict[str, Any]:
    """The bar's value: the examples' names."""
    return {"examples": list(names)}
