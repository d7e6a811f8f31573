"""Pictures of rolls, drawn with matplotlib (imported here and nowhere else)."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from prism.corpora.study import Chart
from prism.evaluation.report import NETWORK_NAMES, SIDE_NAMES
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.similarity.neighbours import COPY_OVERLAP

if TYPE_CHECKING:
    from prism.drawing.poster import ScoreChart, Sheet, Strip

# Who is who in every figure of the experiment.
_SIDE_COLOURS = {
    "prism": "#0f757b",
    "amt": "#c2571a",
    "real": "#4a4a55",
    "reference": "#4a4a55",
    "shuffled": "#8f8f9a",
    "noise": "#bcbcc6",
}
_NOTE_COLOUR = "#0f6f73"
_BAR_COLOUR = "0.82"
_LEGEND_VELOCITIES = (40, 80, 120)
_LABELLED_PITCHES = range(24, 109, 12)
_A4_INCHES = (8.27, 11.69)
_LONGEST_LARGE_TITLE = 38
# Places on a sheet are shares of its width and height; a strip is a piece's words and roll.
_MARGIN, _STRIPS_TOP, _STRIP_HEIGHT, _ROLL_HEIGHT = 0.07, 0.918, 0.205, 0.124
# A chart with more rows than this stands upright, with a name at every octave.
_MOST_LYING_BARS = 40


def note_colours(velocity: np.ndarray) -> np.ndarray:
    """RGB rows, shape=(n, 3): the louder a note, the darker."""
    share = 0.3 + 0.7 * np.asarray(velocity, float)[:, None] / 127
    return 1 - share * (1 - np.array(to_rgb(_NOTE_COLOUR)))


def draw_roll(
    roll: PianoRoll, ax: Axes | None = None, title: str = "", legend: bool = False
) -> Axes:
    """Draw a roll: beats from left to right, pitch upwards, a line at every bar.

    Parameters
    ----------
    roll : PianoRoll
        What to draw.
    ax : Axes, optional
        Where to draw; a new figure's by default.
    title : str
        Shown above.
    legend : bool
        Say what the shades stand for.
    """
    ax = ax or Figure(figsize=(12, 4), layout="constrained").subplots()
    pitch, start, end, velocity = roll.arrays()
    boxes = [
        Rectangle((s / FRAMES_PER_BEAT, p - 0.45), (e - s) / FRAMES_PER_BEAT, 0.9)
        for p, s, e in zip(pitch, start, end, strict=True)
    ]
    ax.add_collection(
        PatchCollection(boxes, facecolors=note_colours(velocity), edgecolor="white", lw=0.3)
    )
    for bar in np.arange(0, roll.frames, roll.bar_frames) / FRAMES_PER_BEAT:
        ax.axvline(bar, color=_BAR_COLOUR, lw=0.5, zorder=0)
    ax.set_yticks(_LABELLED_PITCHES, [f"C{p // 12 - 1}" for p in _LABELLED_PITCHES])
    ax.set(xlim=(0, roll.beats), xlabel="beat", ylabel="pitch", title=title)
    ax.title.set_parse_math(False)  # titles are names, and a file may be called $x$
    ax.set_ylim(_pitch_range([roll]))
    if legend:
        _add_legend(ax)
    return ax


def _pitch_range(rolls: Sequence[PianoRoll]) -> tuple[float, float]:
    """Where all notes of some rolls have room; the middle of the piano where there are none."""
    pitch = np.concatenate([np.zeros(0), *(roll.arrays()[0] for roll in rolls)])
    return (pitch.min() - 2, pitch.max() + 2) if len(pitch) else (48, 84)


def _add_legend(ax: Axes) -> None:
    shades = note_colours(np.array(_LEGEND_VELOCITIES))
    handles = [
        Patch(color=shade, label=f"velocity {velocity}")
        for velocity, shade in zip(_LEGEND_VELOCITIES, shades, strict=True)
    ]
    ax.figure.legend(handles=handles, loc="outside lower right", ncols=len(handles), frameon=False)


def save_png(roll: PianoRoll, path: str | os.PathLike, title: str = "") -> None:
    """Write `draw_roll` with its legend as a PNG file."""
    draw_roll(roll, title=title, legend=True).figure.savefig(path, dpi=100)


def save_sheet(rolls: Sequence[PianoRoll], titles: Sequence[str], path: str | os.PathLike) -> None:
    """Write several rolls one below the other as one PNG file."""
    figure = Figure(figsize=(14, 2.4 * len(rolls)), layout="constrained")
    axes = figure.subplots(len(rolls), 1, squeeze=False)[:, 0]
    for roll, title, ax in zip(rolls, titles, axes, strict=True):
        draw_roll(roll, ax, title).set(xlabel="")
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=70)


def evaluation_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Figures of a stored experiment, large enough to read on a projector.

    Parameters
    ----------
    result : dict
        As in ``assets/evaluation.json``; see `prism.evaluation`.
    """
    draw = {
        "cosines": _cosine_figure,
        "wins": _wins_figure,
        "mixing": _mixing_figure,
        "guidance": _guidance_figure,
        "originality": _originality_figure,
        "confusion": _confusion_figure,
    }
    return {name: figure(result) for name, figure in draw.items()}


def save_evaluation_figures(result: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Write `evaluation_figures` as PNG files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in evaluation_figures(result).items():
        figure.savefig(folder / f"{name}.png", dpi=100)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.tick_params(labelsize=12)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _cosine_figure(result: Mapping[str, Any]) -> Figure:
    """Every run's cosine as a dot, the middle half as a box, a line a competitor."""
    networks = result["networks"]
    figure, axes = _figure(12, 4.2, len(networks))
    spread = np.random.default_rng(0)
    for ax, (network, section) in zip(axes, networks.items(), strict=True):
        for y, (side, values) in enumerate(reversed(section["cosines"].items())):
            colour = _SIDE_COLOURS[side]
            ax.plot(
                values,
                y + spread.uniform(-0.18, 0.18, len(values)),
                ".",
                color=colour,
                alpha=0.35,
                ms=5,
            )
            ax.boxplot(
                [values],
                positions=[y],
                orientation="horizontal",
                widths=0.55,
                showfliers=False,
                medianprops={"color": colour, "lw": 2.5},
            )
        names = [SIDE_NAMES[side] for side in reversed(section["cosines"])]
        ax.set_yticks(range(len(names)), names)
        ax.set_title(NETWORK_NAMES[network], fontsize=14)
        ax.set_xlabel("cosine with a held-out piece", fontsize=12)
    return figure


def _wins_figure(result: Mapping[str, Any]) -> Figure:
    """In how many runs Prism, and in how many AMT, came nearer to the held-out piece."""
    networks = result["networks"]
    figure, (ax,) = _figure(7, 4.2)
    for offset, side in ((-0.2, "prism"), (0.2, "amt")):
        colour, name = _SIDE_COLOURS[side], SIDE_NAMES[side]
        wins = np.array([section["wins"][side] for section in networks.values()])
        ends = [section["wins_interval"][side] for section in networks.values()]
        low, high = result["runs"] * np.array(ends).T
        x = np.arange(len(wins)) + offset
        ax.bar(
            x,
            wins,
            0.38,
            color=colour,
            label=name,
            yerr=[wins - low, high - wins],
            error_kw={"capsize": 5, "ecolor": "0.25"},
        )
        for place, count in zip(x, wins, strict=True):
            ax.text(place, 1, count, ha="center", va="bottom", color="white", fontsize=14)
    ax.axhline(result["runs"] / 2, color="0.4", lw=1, ls="--")
    ax.set_xticks(range(len(networks)), [NETWORK_NAMES[name] for name in networks], fontsize=13)
    ax.set_ylabel(f"runs won of {result['runs']}", fontsize=12)
    ax.legend(frameon=False, fontsize=12)
    return figure


def _mixing_figure(result: Mapping[str, Any]) -> Figure:
    """Whom the corpus network hears in mixtures of two composers."""
    rows = result["mixing"]
    weight = [row["weight"] for row in rows]
    figure, (ax,) = _figure(7, 4.2)
    for name, colour, label in (
        ("first", _SIDE_COLOURS["prism"], "probability of the first composer"),
        ("second", _SIDE_COLOURS["amt"], "probability of the second composer"),
        ("both_in_top_two", _SIDE_COLOURS["real"], "both among the two likeliest"),
    ):
        ax.plot(weight, [row[name] for row in rows], "o-", color=colour, label=label, lw=2)
    low, high = np.array([row["interval"] for row in rows]).T
    ax.fill_between(weight, low, high, color=_SIDE_COLOURS["real"], alpha=0.15, lw=0)
    ax.set(ylim=(0, 1))
    ax.set_xlabel("weight of the first composer", fontsize=12)
    ax.legend(frameon=False, fontsize=11)
    return figure


def _guidance_figure(result: Mapping[str, Any]) -> Figure:
    """Agreement and diversity against the guidance scale, beside real music's."""
    rows, real = result["guidance"], result["guidance_real"]
    scale = [row["guidance_scale"] for row in rows]
    figure, (ax,) = _figure(7, 4.2)
    for name, colour, label in (
        ("recognised", _SIDE_COLOURS["prism"], "recognised as the composer's"),
        ("diversity", _SIDE_COLOURS["amt"], "diversity"),
    ):
        ax.plot(scale, [row[name] for row in rows], "o-", color=colour, label=label, lw=2)
        ax.axhline(real[name], color=colour, lw=1, ls="--", label=f"{label}, real music")
    ax.set(ylim=(0, 1))
    ax.set_xlabel("guidance scale", fontsize=12)
    ax.legend(frameon=False, fontsize=11)
    return figure


def _originality_figure(result: Mapping[str, Any]) -> Figure:
    """Share of samples that come at least so near to a training piece."""
    figure, (ax,) = _figure(7, 4.2)
    for side, section in result["originality"].items():
        values = np.sort(section["values"])[::-1]
        colour, name = _SIDE_COLOURS[side], SIDE_NAMES[side]
        share = np.arange(1, len(values) + 1) / len(values)
        ax.step(values, share, color=colour, label=name, lw=2, where="pre")
    ax.axvline(COPY_OVERLAP, color="0.4", lw=1, ls="--")
    ax.text(COPY_OVERLAP, 0.5, "copy", rotation=90, va="center", ha="right", fontsize=11)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_xlabel("note overlap with the nearest training music", fontsize=12)
    ax.set_ylabel("share of samples at or above", fontsize=12)
    ax.legend(frameon=False, fontsize=12)
    return figure


def _confusion_figure(result: Mapping[str, Any]) -> Figure:
    """For what the corpus network takes held-out windows, a row a true composer."""
    section = result["recognition"]
    shares, names = np.array(section["confusion"]), section["composers"]
    figure, (ax,) = _figure(9, 7.5)
    ax.imshow(shares, cmap="BuGn", vmin=0, vmax=1)
    for row, column in np.argwhere(shares >= 0.05):
        value = shares[row, column]
        ax.text(
            column,
            row,
            f"{value:.2f}"[1:] if value < 1 else "1",
            ha="center",
            va="center",
            fontsize=9,
            color="white" if value > 0.6 else "black",
        )
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", fontsize=10)
    ax.set_yticks(range(len(names)), names, fontsize=10)
    ax.set_xlabel("taken for", fontsize=12)
    ax.set_ylabel("true composer", fontsize=12)
    return figure


def save_charts(charts: Sequence[Chart], folder: pathlib.Path) -> None:
    """Write the charts of a corpus study as PNG files, named as the charts, into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for chart in charts:
        draw = _upright_bars if len(chart.rows) > _MOST_LYING_BARS else _lying_bars
        draw(chart).savefig(folder / f"{chart.name}.png", dpi=80)


def _lying_bars(chart: Chart) -> Figure:
    """A bar a row, the first on top, with its number."""
    figure, (ax,) = _figure(8, 1.2 + 0.32 * len(chart.rows))
    bars = ax.barh(
        [name for name, _ in chart.rows], [number for _, number in chart.rows], color=_NOTE_COLOUR
    )
    ax.bar_label(bars, labels=[f"{number:,}" for _, number in chart.rows], padding=4)
    ax.invert_yaxis()
    ax.margins(x=0.12)
    ax.set_title(chart.title, fontsize=14)
    ax.set_xlabel(chart.unit, fontsize=12)
    return figure


def _upright_bars(chart: Chart) -> Figure:
    """A bar a pitch."""
    figure, (ax,) = _figure(10, 3.6)
    names, numbers = zip(*chart.rows, strict=True)
    ax.bar(range(len(names)), numbers, width=0.9, color=_NOTE_COLOUR)
    octaves = [i for i, name in enumerate(names) if name.startswith("C") and "#" not in name]
    ax.set_xticks(octaves, [names[i] for i in octaves])
    ax.set_title(chart.title, fontsize=14)
    ax.set_ylabel(chart.unit, fontsize=12)
    return figure


def save_poster(sheet: Sheet, path: str | os.PathLike) -> None:
    """Draw an A4 sheet; PDF or PNG by the path's ending."""
    figure = Figure(figsize=_A4_INCHES)
    size = 19 if len(sheet.title) <= _LONGEST_LARGE_TITLE else 13
    _write(figure, 0.962, sheet.title, size, weight="bold", va="center")
    _write(figure, 0.934, sheet.subtitle, 9, color="0.3", va="center")
    pitches = _pitch_range([strip.roll for strip in sheet.strips if strip.roll is not None])
    for i, strip in enumerate(sheet.strips):
        _draw_strip(figure, strip, _STRIPS_TOP - i * _STRIP_HEIGHT, pitches)
    _write(figure, 0.295, "\n".join(sheet.about_scores), 7.5, color="0.3")
    for i, chart in enumerate(sheet.charts):
        ax = figure.add_axes((0.29 + 0.215 * i, 0.135, 0.19, 0.105))
        _draw_scores(chart, ax, named=i == 0)
    if sheet.code is not None:
        ax = figure.add_axes((0.735, 0.1, 0.2, 0.2 * _A4_INCHES[0] / _A4_INCHES[1]))
        ax.imshow(sheet.code, cmap="gray_r", interpolation="nearest")
        ax.set_axis_off()
        ax.set_title("scan to hear it", fontsize=8, pad=0)
    _write(figure, 0.08, "\n".join(sheet.small_print), 6, color="0.3")
    figure.savefig(
        path,
        dpi=150,
        metadata={"Title": sheet.title, "Creator": "Prism"}
        if os.fspath(path).endswith(".pdf")
        else None,
    )


def _write(figure: Figure, y: float, text: str, size: float, **style: Any) -> None:
    """Text from the left margin on; a piece's title may hold a dollar, which is no formula."""
    style = {"va": "top", "linespacing": 1.35} | style
    figure.text(_MARGIN, y, text, fontsize=size, parse_math=False, **style)


def _draw_strip(figure: Figure, strip: Strip, top: float, pitches: tuple[float, float]) -> None:
    _write(figure, top, strip.kind.upper(), 6.5, color=_NOTE_COLOUR, weight="bold")
    _write(figure, top - 0.011, strip.title, 10.5, weight="bold")
    _write(figure, top - 0.028, strip.detail, 7.5, color="0.3")
    if strip.roll is None:
        return
    ax = figure.add_axes((_MARGIN, top - 0.053 - _ROLL_HEIGHT, 1 - 2 * _MARGIN, _ROLL_HEIGHT))
    draw_roll(strip.roll, ax).set(xlabel="", ylabel="", xticks=range(0, int(strip.roll.beats), 8))
    ax.set_ylim(pitches)
    ax.tick_params(labelsize=6, length=2)
    ax.spines[:].set_color("0.7")


def _draw_scores(chart: ScoreChart, ax: Axes, named: bool) -> None:
    """Real pairs' cosines as boxes (the middle half) on lines (nine tenths), the sides' as marks."""
    for y, (least, low, middle, high, most) in enumerate(reversed(chart.bands.values())):
        ax.plot((least, most), (y, y), color="0.55", lw=1)
        ax.barh(y, high - low, 0.42, low, color="0.75")
        ax.plot((middle, middle), (y - 0.33, y + 0.33), color="0.4", lw=1.5)
    for row, (side, cosine) in enumerate(chart.marks.items()):
        colour, name = _SIDE_COLOURS[side], SIDE_NAMES[side]
        ax.axvline(cosine, color=colour, lw=1.8, ls="-" if row == 0 else "--")
        ax.text(
            cosine,
            len(chart.bands) - 0.4 + 0.75 * row,
            f"{name} {cosine:.2f}",
            color=colour,
            ha="center",
            fontsize=7,
            weight="bold",
        )
    ax.set_yticks(range(len(chart.bands)), list(reversed(chart.bands)) if named else [])
    ax.set_xlabel(chart.title, fontsize=7.5)
    ax.tick_params(labelsize=7, length=2)
    ax.tick_params("y", length=0)
    ax.spines[["top", "right", "left"]].set_visible(False)
