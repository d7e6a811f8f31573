"""A sheet of charts, tables and facts, drawn in the browser from data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from prism.ui.element import Element

Block = dict[str, Any]


class Sheet(Element):
    """Shows blocks below and beside each other; its value is what `sheet` returns."""

    asset = "page/sheet"


def sheet(*blocks: Block) -> dict[str, Any]:
    """A sheet's value, from blocks that the functions below make."""
    return {"blocks": list(blocks)}


def text(title: str, about: str = "") -> Block:
    """A heading with words below."""
    return {"kind": "text", "title": title, "about": about}


def facts(
    title: str, rows: Iterable[Sequence[str]], about: str = "", narrow: bool = False
) -> Block:
    """Names and what there is to say of each; a `narrow` block leaves room beside it."""
    return {
        "kind": "facts",
        "title": title,
        "about": about,
        "rows": list(map(list, rows)),
        "narrow": narrow,
    }


def bars(title: str, rows: Sequence[Sequence], unit: str, about: str = "") -> Block:
    """A lying bar a row of (name, number); the numbers stand beside them."""
    return {
        "kind": "bars",
        "title": title,
        "about": about,
        "unit": unit,
        "rows": list(map(list, rows)),
    }


def columns(
    title: str, rows: Sequence[Sequence], unit: str, named: Sequence[str], about: str = ""
) -> Block:
    """An upright bar a row of (name, number), for many rows; only some are named below."""
    name, most = max(rows, key=lambda row: row[1])
    description = f"{title}: {len(rows)} bars, the highest at {name} with {most:,} {unit}."
    block = bars(title, rows, unit, about)
    return block | {"kind": "columns", "named": list(named), "description": description}


def lines(
    title: str, series: dict[str, Sequence[Sequence[float]]], unit: str, about: str = ""
) -> Block:
    """Curves over one axis.

    Parameters
    ----------
    title, about : str
        Above it.
    series : dict
        Name → points (x, y), at the same places in every series.
    unit : str
        Of x.
    """
    words = [f"{name} from {p[0][1]:.4g} to {p[-1][1]:.4g}" for name, p in series.items()]
    return {
        "kind": "lines",
        "title": title,
        "about": about,
        "unit": unit,
        "description": f"{title}, by {unit}: {', '.join(words)}.",
        "series": [
            {"name": name, "points": list(map(list, points))} for name, points in series.items()
        ],
    }


def table(
    title: str,
    head: Sequence[str],
    rows: Iterable[Sequence],
    about: str = "",
    long: bool = False,
    narrow: bool = False,
) -> Block:
    """Rows below a head.

    Parameters
    ----------
    title, about : str
        Above it.
    head, rows : sequence
        Names of the columns; cells, of which numbers stand to the right.
    long : bool
        It has sentences in it, and is stacked where room is small.
    narrow : bool
        It leaves room beside it.
    """
    return {
        "kind": "table",
        "title": title,
        "about": about,
        "head": list(head),
        "rows": list(map(list, rows)),
        "long": long,
        "narrow": narrow,
    }


def rolls(title: str, shown: Iterable[Block], about: str = "") -> Block:
    """Small rolls side by side: dicts of ``caption``, ``beats`` and ``notes``.

    A note begins with pitch, start and duration, in beats.
    """
    return {"kind": "rolls", "title": title, "about": about, "rolls": list(shown)}
