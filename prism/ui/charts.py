"""Charts, tables and facts, drawn in the browser from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prism.ui.element import Element

Block = dict[str, Any]


class Charts(Element):
    """Shows blocks below and beside each other; its value is what `charts` returns."""

    asset = "page/charts"


def charts(*blocks: Block) -> dict[str, Any]:
    """The value of `Charts`, from blocks that the functions below make.

    Every block has a title and text `about` it; a `narrow` one leaves room beside it.
    """
    return {"blocks": list(blocks)}


def text(title: str, about: str = "") -> Block:
    """A heading with text below."""
    return {"kind": "text", "title": title, "about": about}


def facts(
    title: str, rows: Iterable[Sequence[str]], about: str = "", narrow: bool = False
) -> Block:
    """Rows of (name, value)."""
    rows = list(map(list, rows))
    return {"kind": "facts", "title": title, "about": about, "rows": rows, "narrow": narrow}


def bars(title: str, rows: Iterable[Sequence], unit: str, about: str = "") -> Block:
    """A horizontal bar for each row of (name, number)."""
    rows = list(map(list, rows))
    return {"kind": "bars", "title": title, "about": about, "unit": unit, "rows": rows}


def columns(
    title: str, rows: Sequence[Sequence], unit: str, named: Sequence[str], about: str = ""
) -> Block:
    """A vertical bar for each row of (name, number), for many rows; only `named` are labelled."""
    name, most = max(rows, key=lambda row: row[1])
    description = f"{title}: {len(rows)} bars, the highest at {name} with {most:,} {unit}."
    block = bars(title, rows, unit, about)
    return block | {"kind": "columns", "named": list(named), "description": description}


def lines(
    title: str, series: dict[str, Sequence[Sequence[float]]], unit: str, about: str = ""
) -> Block:
    """Curves over one axis in `unit`: name → points (x, y), the same x in every series."""
    words = [f"{name} from {p[0][1]:.4g} to {p[-1][1]:.4g}" for name, p in series.items()]
    return {
        "kind": "lines",
        "title": title,
        "about": about,
        "unit": unit,
        "description": f"{title}, by {unit}: {', '.join(words)}.",
        "series": [{"name": name, "points": list(map(list, p))} for name, p in series.items()],
    }


def table(
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence],
    about: str = "",
    long: bool = False,
    narrow: bool = False,
) -> Block:
    """Rows below a head, numbers to the right; a `long` one has sentences in it."""
    rows = list(map(list, rows))
    block = {"kind": "table", "title": title, "about": about, "head": list(head), "rows": rows}
    return block | {"long": long, "narrow": narrow}


def rolls(title: str, shown: Iterable[Block], about: str = "") -> Block:
    """Small rolls side by side: dicts of ``caption``, ``beats`` and ``notes``.

    A note begins with pitch, start and duration, in beats.
    """
    return {"kind": "rolls", "title": title, "about": about, "rolls": list(shown)}
