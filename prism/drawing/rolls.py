"""Piano rolls as pictures."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from prism.drawing.fonts import drawable
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.music.writing import write_atomic

# As on the page (`assets/page/colours.css`).
SOURCE_COLOURS = {"prism": "#0f757b", "corpus": "#6a6190", "amt": "#b5500c"}
_BAR_COLOUR = "0.82"
_LEGEND_VELOCITIES = (40, 80, 120)
_LABELLED_PITCHES = range(24, 109, 12)


def note_colours(velocity: np.ndarray, source: str = "prism") -> np.ndarray:
    """RGB rows, shape=(n, 3), in a source's colour: the louder a note, the darker."""
    share = 0.3 + 0.7 * np.asarray(velocity, float)[:, None] / 127
    return 1 - share * (1 - np.array(to_rgb(SOURCE_COLOURS[source])))


def pitch_range(rolls: Sequence[PianoRoll]) -> tuple[float, float]:
    """Limits of a pitch axis that fit all notes; the middle of the piano if there are none."""
    pitch = np.concatenate([np.zeros(0), *(roll.arrays()[0] for roll in rolls)])
    return (pitch.min() - 2, pitch.max() + 2) if len(pitch) else (48, 84)


def draw_roll(
    roll: PianoRoll,
    ax: Axes | None = None,
    title: str = "",
    legend: bool = False,
    source: str = "prism",
) -> Axes:
    """Draw a roll, on a new figure unless axes are given; `legend` explains the shades.

    It has its source's colour: ``prism``, ``corpus`` (all real music) or ``amt``.

    Beats go from left to right, pitch upwards; there is a line at every bar.
    """
    ax = ax or Figure(figsize=(12, 4), layout="constrained").subplots()
    pitch, start, end, velocity = roll.arrays()
    boxes = [
        Rectangle((s / FRAMES_PER_BEAT, p - 0.45), (e - s) / FRAMES_PER_BEAT, 0.9)
        for p, s, e in zip(pitch, start, end, strict=True)
    ]
    ax.add_collection(
        PatchCollection(boxes, facecolors=note_colours(velocity, source), edgecolor="white", lw=0.3)
    )
    for bar in roll.bar_starts / FRAMES_PER_BEAT:
        ax.axvline(bar, color=_BAR_COLOUR, lw=0.5, zorder=0)
    ax.set_yticks(_LABELLED_PITCHES, [f"C{p // 12 - 1}" for p in _LABELLED_PITCHES])
    ax.set(xlim=(0, roll.beats), xlabel="beat", ylabel="pitch")
    text, families = drawable(title)
    # Titles are names, and a file may be called $x$.
    ax.set_title(text, fontfamily=families, parse_math=False)
    ax.set_ylim(pitch_range([roll]))
    if legend:
        _add_legend(ax, source)
    return ax


def _add_legend(ax: Axes, source: str) -> None:
    shades = note_colours(np.array(_LEGEND_VELOCITIES), source)
    handles = [
        Patch(color=shade, label=f"velocity {velocity}")
        for velocity, shade in zip(_LEGEND_VELOCITIES, shades, strict=True)
    ]
    ax.figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False)


def save_png(
    roll: PianoRoll, path: str | os.PathLike, title: str = "", source: str = "prism"
) -> None:
    """Write `draw_roll` with its legend as a PNG file."""
    ax = draw_roll(roll, title=title, legend=True, source=source)
    ax.figure.savefig(path, format="png", dpi=100)


def save_contact_sheet(
    rolls: Sequence[PianoRoll], titles: Sequence[str], path: str | os.PathLike
) -> None:
    """Write several rolls, one below the other, as one PNG file."""
    figure = Figure(figsize=(14, 2.4 * len(rolls)), layout="constrained")
    axes = figure.subplots(len(rolls), 1, squeeze=False)[:, 0]
    for roll, title, ax in zip(rolls, titles, axes, strict=True):
        draw_roll(roll, ax, title).set(xlabel="")
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, lambda partial: figure.savefig(partial, format="png", dpi=70))
