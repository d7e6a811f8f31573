"""Figures of the experiment, large enough to read on a projector."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prism.drawing.fonts import drawable
from prism.drawing.rolls import SOURCE_COLOURS
from prism.evaluation.report import NETWORK_NAMES, SYSTEM_NAMES, figure_names
from prism.music.writing import write_atomic
from prism.similarity.neighbours import COPY_OVERLAP

# One colour for each system in every figure: the sources' own, and paler or grey ones.
SYSTEM_COLOURS = {
    "prism": SOURCE_COLOURS["prism"],
    "prism_teacher": "#7fb3ad",
    "amt": SOURCE_COLOURS["amt"],
    "amt_untold": "#dba07c",
    "real": SOURCE_COLOURS["corpus"],
    "reference": SOURCE_COLOURS["corpus"],
    "shuffled": "#8f8f9a",
    "noise": "#bcbcc6",
}


def evaluation_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Figures of a stored experiment, by name; `result` is as in ``assets/evaluation.json``.

    Those whose section is missing are left out.
    """
    draw = {
        "cosines": _cosine_figure,
        "wins": _wins_figure,
        "mixing": _mixing_figure,
        "guidance": _guidance_figure,
        "originality": _originality_figure,
        "confusion": _confusion_figure,
    }
    return {name: draw[name](result) for name in figure_names(result)}


def save_evaluation_figures(result: Mapping[str, Any], folder: pathlib.Path) -> None:
    """Write `evaluation_figures` as PNG files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in evaluation_figures(result).items():
        save = functools.partial(figure.savefig, format="png", dpi=100)
        write_atomic(folder / f"{name}.png", save)


def _figure(width: float, height: float, columns: int = 1) -> tuple[Figure, np.ndarray]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for ax in axes:
        ax.tick_params(labelsize=12)
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _legend_above(figure: Figure) -> None:
    """Beside the axes: inside them it would lie over curves."""
    figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=11)


def _cosine_figure(result: Mapping[str, Any]) -> Figure:
    """Every run's cosine as a dot and the middle half as a box, a row for each system."""
    networks = result["networks"]
    figure, axes = _figure(12, 4.2, len(networks))
    jitter = np.random.default_rng(0)
    for ax, (network, section) in zip(axes, networks.items(), strict=True):
        for y, (system, values) in enumerate(reversed(section["cosines"].items())):
            colour = SYSTEM_COLOURS[system]
            heights = y + jitter.uniform(-0.18, 0.18, len(values))
            ax.plot(values, heights, ".", color=colour, alpha=0.35, ms=5)
            ax.boxplot(
                [values],
                positions=[y],
                orientation="horizontal",
                widths=0.55,
                showfliers=False,
                medianprops={"color": colour, "lw": 2.5},
            )
        names = [SYSTEM_NAMES[system] for system in reversed(section["cosines"])]
        ax.set_yticks(range(len(names)), names)
        ax.set_title(NETWORK_NAMES[network], fontsize=14)
        ax.set_xlabel("cosine with a held-out piece", fontsize=12)
    return figure


def _wins_figure(result: Mapping[str, Any]) -> Figure:
    """In how many runs Prism, and in how many AMT, came nearer to the held-out piece."""
    networks = result["networks"]
    figure, (ax,) = _figure(7, 4.2)
    for offset, system in ((-0.2, "prism"), (0.2, "amt")):
        wins = np.array([section["wins"][system] for section in networks.values()])
        ends = [section["wins_interval"][system] for section in networks.values()]
        low, high = result["runs"] * np.array(ends).T
        x = np.arange(len(wins)) + offset
        ax.bar(
            x,
            wins,
            0.38,
            color=SYSTEM_COLOURS[system],
            label=SYSTEM_NAMES[system],
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


def _share_figure(
    rows: Sequence[Mapping[str, float]], x: str, label: str, curves: Mapping[str, tuple[str, str]]
) -> tuple[Figure, Axes]:
    """Shares, 0 to 1, against one setting; `curves` maps a row's key to its system and its name."""
    figure, (ax,) = _figure(7, 4.2)
    for key, (system, name) in curves.items():
        values = [row[key] for row in rows]
        ax.plot(
            [row[x] for row in rows], values, "o-", color=SYSTEM_COLOURS[system], label=name, lw=2
        )
    ax.set(ylim=(0, 1))
    ax.set_xlabel(label, fontsize=12)
    return figure, ax


def _mixing_figure(result: Mapping[str, Any]) -> Figure:
    """Which composers the corpus network recognises in mixtures of two, and their log-odds."""
    rows = result["mixing"]["rows"]
    curves = {
        "first": ("prism", "probability of the first composer"),
        "second": ("amt", "probability of the second composer"),
    }
    figure, ax = _share_figure(rows, "weight", "weight of the first composer", curves)
    _log_odds(ax.twinx(), rows)
    _legend_above(figure)
    return figure


def _log_odds(ax: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    """Mean log-odds of the mixtures with their interval, on an axis at the right."""
    weight, colour = [row["weight"] for row in rows], SYSTEM_COLOURS["real"]
    low, high = np.array([row["interval"] for row in rows]).T
    ax.fill_between(weight, low, high, color=colour, alpha=0.15, lw=0)
    ax.set_ylabel("log-odds, first against second", fontsize=12)
    ax.tick_params(labelsize=12)
    ax.spines["top"].set_visible(False)
    values = [row["log_odds"] for row in rows]
    ax.plot(weight, values, "s--", color=colour, lw=2, label="log-odds (right)")


def _guidance_figure(result: Mapping[str, Any]) -> Figure:
    """Agreement and diversity against the guidance scale, beside real music's."""
    curves = {
        "recognised": ("prism", "recognised as the composer's"),
        "diversity": ("amt", "diversity"),
    }
    figure, ax = _share_figure(result["guidance"], "guidance_scale", "guidance scale", curves)
    for key, (system, name) in curves.items():
        real = result["guidance_real"][key]
        ax.axhline(real, color=SYSTEM_COLOURS[system], lw=1, ls="--", label=f"{name}, real music")
    _legend_above(figure)
    return figure


def _originality_figure(result: Mapping[str, Any]) -> Figure:
    """Share of samples that come at least this near to a training piece."""
    figure, (ax,) = _figure(7, 4.2)
    for system, section in result["originality"].items():
        values = np.sort(section["values"])[::-1]
        share = np.arange(1, len(values) + 1) / len(values)
        name, colour = SYSTEM_NAMES[system], SYSTEM_COLOURS[system]
        ax.step(values, share, color=colour, label=name, lw=2, where="pre")
    ax.axvline(COPY_OVERLAP, color="0.4", lw=1, ls="--")
    ax.text(COPY_OVERLAP - 0.01, 0.5, "copy", rotation=90, va="center", ha="right", fontsize=11)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.set_xlabel("note overlap with the nearest training music", fontsize=12)
    ax.set_ylabel("share of samples at or above", fontsize=12)
    _legend_above(figure)
    return figure


def _confusion_figure(result: Mapping[str, Any]) -> Figure:
    """How the corpus network classifies held-out windows, a row for each true composer."""
    section = result["recognition"]
    shares, names = np.array(section["confusion"]), section["composers"]
    figure, (ax,) = _figure(9, 7.5)
    ax.imshow(shares, cmap="BuGn", vmin=0, vmax=1)
    for row, column in np.argwhere(shares >= 0.05):
        value = shares[row, column]
        text = f"{value:.2f}" if value < 1 else "1"
        colour = "white" if value > 0.6 else "black"
        ax.text(column, row, text, ha="center", va="center", fontsize=9, color=colour)
    _, families = drawable("".join(names))
    names, style = [drawable(name)[0] for name in names], {"fontsize": 10, "fontfamily": families}
    ax.set_xticks(range(len(names)), names, rotation=45, ha="right", **style)
    ax.set_yticks(range(len(names)), names, **style)
    ax.set_xlabel("classified as", fontsize=12)
    ax.set_ylabel("true composer", fontsize=12)
    return figure
