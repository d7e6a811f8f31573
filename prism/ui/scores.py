"""The Scores card: each cosine on an axis beside the cosines of real pairs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prism.service.comparison import CAUTION, number
from prism.ui.element import Element

if TYPE_CHECKING:
    from prism.similarity.bands import Band
    from prism.similarity.scorer import Score

# The sides that are compared with the corpus's piece: letter in the chart, name in the text.
COMPARED = {"prism": ("P", "Prism"), "amt": ("A", "AMT")}
CORPUS_PIECE, YOURS = "this corpus piece", "your piece"
_NETWORKS = {
    "imagenet": ("ImageNet network", "Knows photographs; looks at the rolls as pictures."),
    "corpus": ("Corpus network", "Learned to tell this corpus's composers apart."),
}
_MAXIMUM_STEPS = 5
_LEAST_SPAN = 0.05


class ScoreCard(Element):
    """Shows the scores of a click; its value is what `scores_value` returns."""

    asset = "page/scores"


def scores_value(
    scores: Mapping[str, list[Score]],
    bands: Mapping[str, Mapping[str, Band]],
    hint: str = "",
    message: str = "",
    against: str = CORPUS_PIECE,
) -> dict[str, Any]:
    """A card's value.

    Parameters
    ----------
    scores : dict
        For each of `COMPARED` that has been compared, a score a network.
    bands : dict
        The judge's; empty for a card without charts.
    hint, message : str
        What is to come; what went wrong.
    against : str
        What was compared with, `CORPUS_PIECE` or `YOURS`.
    """
    charts = []
    for network, kinds in bands.items():
        marks = {side: s for side, found in scores.items() for s in found if s.network == network}
        charts.append(_chart(network, kinds, marks))
    summary = _summary(scores, against) if charts else ""
    return {
        "charts": charts,
        "summary": summary,
        "hint": hint,
        "message": message,
        "against": against,
    }


def axis(values: Sequence[float]) -> list[float]:
    """Round numbers at equal distances, two to seven, that enclose all values.

    Examples
    --------
    >>> axis([0.52, 0.99]), axis([0.95, 0.97])
    ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0], [0.95, 0.96, 0.97])
    """
    low, high = min(values), max(values)
    least = max(high - low, _LEAST_SPAN) / _MAXIMUM_STEPS
    power = 10.0 ** math.floor(math.log10(least))
    step = next(k * power for k in (1, 2, 5, 10) if k * power >= least * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(k * step, 6) for k in range(first, max(last, first + 1) + 1)]


def _chart(network: str, bands: Mapping[str, Band], marks: Mapping[str, Score]) -> dict[str, Any]:
    # The similarity package brings the machine-learning library along.
    from prism.similarity.bands import KIND_WORDS

    title, about = _NETWORKS[network]
    rows = [
        {"words": KIND_WORDS[kind], "quantiles": band.quantiles} for kind, band in bands.items()
    ]
    cosines = [score.cosine for score in marks.values()]
    ticks = axis([*cosines, *(q for row in rows for q in row["quantiles"])])
    decimals = 1 if ticks[1] - ticks[0] > 0.099 else 2
    return {
        "title": title,
        "about": about,
        "rows": rows,
        "ticks": [{"at": tick, "text": number(tick, decimals)} for tick in ticks],
        "marks": [
            {"side": side, "at": score.cosine, "text": f"{COMPARED[side][0]} {_read(score)}"}
            for side, score in marks.items()
        ],
        "sentences": [_sentence(name, marks.get(side)) for side, (_, name) in COMPARED.items()],
        "description": _description(title, rows, marks),
    }


def _read(score: Score) -> str:
    return number(score.cosine)


def _sentence(name: str, score: Score | None) -> str:
    return f"{name}: {_read(score)}, {score.words}." if score else f"{name}: no score yet."


def _description(title: str, rows: list[dict[str, Any]], marks: Mapping[str, Score]) -> str:
    """The chart for those who do not see it."""
    found = [f"{COMPARED[side][1]} {_read(score)}" for side, score in marks.items()]
    halves = [
        f"{row['words']} {number(row['quantiles'][1])} to {number(row['quantiles'][3])}"
        for row in rows
    ]
    scores = f"{', '.join(found) or 'no score yet'}"
    return f"{title}: {scores}. The middle half of real pairs: {'; '.join(halves)}."


def _summary(scores: Mapping[str, list[Score]], against: str) -> str:
    if not all(scores.get(side) for side in COMPARED):
        return f"A score is {CAUTION}."
    nearer = {_nearer(*pair) for pair in zip(*(scores[s] for s in COMPARED), strict=True)}
    if nearer == {1}:
        said = f"Both networks find Prism's piece more like {against} than AMT's"
    elif nearer == {-1}:
        said = f"Both networks find AMT's piece more like {against} than Prism's"
    else:
        said = "The two networks do not both prefer one of the generated pieces"
    return f"{said}; that is {CAUTION}."


def _nearer(first: Score, second: Score) -> int:
    """1 or −1 for the greater as it is shown, 0 for a tie."""
    difference = round(first.cosine, 2) - round(second.cosine, 2)
    return (difference > 0) - (difference < 0)
