"""A comparison as one A4 page to print, with a QR code of its link."""

from __future__ import annotations

import dataclasses
import os
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import segno
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism.drawing.figures import SYSTEM_COLOURS
from prism.drawing.fonts import drawable
from prism.drawing.rolls import SOURCE_COLOURS, draw_roll, pitch_range
from prism.evaluation.report import SYSTEM_NAMES
from prism.music.roll import PianoRoll

_A4_INCHES = (8.27, 11.69)
# Characters on a line: in the heading, below it, in the small print.
_TITLE_LINE, _LINE, _SMALL_LINE = 54, 112, 145
_LONGEST_LARGE_TITLE = 38
_LONGEST_NAME = 66
# Shares of the page's width and height; a strip is a piece's text and roll.
_MARGIN, _STRIPS_TOP, _STRIP_HEIGHT, _ROLL_HEIGHT = 0.07, 0.918, 0.205, 0.124


@dataclasses.dataclass(frozen=True)
class Strip:
    """One piece: the text above its roll, the roll, None if it is not finished, and whose it is."""

    kind: str
    title: str
    detail: str = ""
    roll: PianoRoll | None = None
    source: str = "prism"


@dataclasses.dataclass(frozen=True)
class ScoreChart:
    """One network's cosines.

    `bands` maps the name of a kind of real pairs to its cosines at 5, 25, 50, 75 and 95 %, `marks`
    a system to its cosine.
    """

    title: str
    bands: Mapping[str, Sequence[float]]
    marks: Mapping[str, float]


@dataclasses.dataclass(frozen=True)
class Poster:
    """What is on the page, from top to bottom; long texts are wrapped and cut when drawn.

    Without scores there are no charts, without a link there is no QR code.
    """

    title: str
    subtitle: str
    strips: Sequence[Strip]
    charts: Sequence[ScoreChart]
    about_scores: str
    link: str
    small_print: Sequence[str]


def save_poster(poster: Poster, path: str | os.PathLike) -> None:
    """Write the page as PDF or PNG, by the path's ending."""
    is_pdf = os.fspath(path).endswith(".pdf")
    metadata = {"Title": poster.title, "Creator": "Prism"} if is_pdf else None
    poster_figure(poster).savefig(path, dpi=150, metadata=metadata)


def poster_figure(poster: Poster) -> Figure:
    """Lay out the page."""
    figure = Figure(figsize=_A4_INCHES)
    size = 19 if len(poster.title) <= _LONGEST_LARGE_TITLE else 13
    _write(figure, 0.962, _wrapped(poster.title, _TITLE_LINE), size, weight="bold", va="center")
    _write(figure, 0.934, poster.subtitle, 9, color="0.3", va="center")
    pitches = pitch_range([strip.roll for strip in poster.strips if strip.roll is not None])
    for i, strip in enumerate(poster.strips):
        _draw_strip(figure, strip, _STRIPS_TOP - i * _STRIP_HEIGHT, pitches)
    _write(figure, 0.295, _wrapped(poster.about_scores, _LINE), 7.5, color="0.3")
    for i, chart in enumerate(poster.charts):
        ax = figure.add_axes((0.29 + 0.215 * i, 0.135, 0.19, 0.105))
        _draw_scores(chart, ax, named=i == 0)
    if poster.link:
        ax = figure.add_axes((0.735, 0.1, 0.2, 0.2 * _A4_INCHES[0] / _A4_INCHES[1]))
        ax.imshow(qr_code(poster.link), cmap="gray_r", interpolation="nearest")
        ax.set_axis_off()
        ax.set_title("scan to hear it", fontsize=8, pad=0)
    small_print = [_wrapped(text, _SMALL_LINE) for text in poster.small_print]
    _write(figure, 0.08, "\n".join(small_print), 6, color="0.3")
    return figure


def qr_code(text: str) -> np.ndarray:
    """A QR code with its quiet zone, bool, shape=(n, n); ``True`` is dark.

    Raises
    ------
    ValueError
        If the text is longer than a code can hold (2,953 bytes).
    """
    code = segno.make_qr(text, error="l")
    return np.array([list(row) for row in code.matrix_iter(border=4)], bool)


def _wrapped(text: str, width: int) -> str:
    return textwrap.fill(text, width, max_lines=2, placeholder=" …")


def _write(figure: Figure, y: float, text: str, size: float, **style: Any) -> None:
    """Text at the left margin; a dollar sign in a title does not start a formula."""
    text, families = drawable(text)
    style = {"va": "top", "linespacing": 1.35, "fontfamily": families} | style
    figure.text(_MARGIN, y, text, fontsize=size, parse_math=False, **style)


def _draw_strip(figure: Figure, strip: Strip, top: float, pitches: tuple[float, float]) -> None:
    cut = len(strip.title) > _LONGEST_NAME
    title = f"{strip.title[: _LONGEST_NAME - 1]}…" if cut else strip.title
    _write(figure, top, strip.kind.upper(), 6.5, color=SOURCE_COLOURS[strip.source], weight="bold")
    _write(figure, top - 0.011, title, 10.5, weight="bold")
    _write(figure, top - 0.028, _wrapped(strip.detail, _LINE), 7.5, color="0.3")
    if strip.roll is None:
        return
    ax = figure.add_axes((_MARGIN, top - 0.053 - _ROLL_HEIGHT, 1 - 2 * _MARGIN, _ROLL_HEIGHT))
    draw_roll(strip.roll, ax, source=strip.source)
    ax.set(xlabel="", ylabel="", xticks=range(0, int(strip.roll.beats), 8))
    ax.set_ylim(pitches)
    ax.tick_params(labelsize=6, length=2)
    ax.spines[:].set_color("0.7")


def _draw_scores(chart: ScoreChart, ax: Axes, named: bool) -> None:
    """Real pairs as boxes (the middle half) on lines (90 %), the systems as vertical marks."""
    for y, (least, low, middle, high, most) in enumerate(reversed(chart.bands.values())):
        ax.plot((least, most), (y, y), color="0.55", lw=1)
        ax.barh(y, high - low, 0.42, low, color="0.75")
        ax.plot((middle, middle), (y - 0.33, y + 0.33), color="0.4", lw=1.5)
    for row, (system, cosine) in enumerate(chart.marks.items()):
        colour, label = SYSTEM_COLOURS[system], f"{SYSTEM_NAMES[system]} {cosine:.2f}"
        ax.axvline(cosine, color=colour, lw=1.8, ls="-" if row == 0 else "--")
        y = len(chart.bands) - 0.4 + 0.75 * row
        ax.text(cosine, y, label, color=colour, ha="center", fontsize=7, weight="bold")
    ax.set_yticks(range(len(chart.bands)), list(reversed(chart.bands)) if named else [])
    ax.set_xlabel(chart.title, fontsize=7.5)
    ax.tick_params(labelsize=7, length=2)
    ax.tick_params("y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
