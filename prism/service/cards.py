"""What the page says of a visitor's pieces: scores, nearest training music, and earlier results.

Each ``..._value`` is what an element of the page shows; see `prism.ui.cards`.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prism.evaluation.report import NETWORK_NAMES
from prism.music.metadata import asked_words, corpus_words, real_lines, signature
from prism.music.roll import PianoRoll
from prism.service.piece import ShownPiece
from prism.service.session import COMPARED, MOST_ENTRIES, Entry, History
from prism.service.sources import TITLES

if TYPE_CHECKING:
    from prism.similarity.bands import Band
    from prism.similarity.neighbours import Neighbour
    from prism.similarity.scorer import Score

CAUTION = "similarity to one piece by a network's features, not how good the music is"
CORPUS_PIECE, YOURS = "the real piece", "your piece"
# Of each network its name with what it learned from, and what it does.
NETWORKS = {
    network: (f"{NETWORK_NAMES[network].capitalize()} ({learned_from})", about)
    for network, learned_from, about in (
        ("imagenet", "ImageNet", "Knows photographs; looks at the rolls as pictures."),
        ("corpus", "this corpus", "Learned to tell this corpus's composers apart."),
    )
}
# On a lane there is room for few words: the network that hears time goes first.
_CHIP_NETWORKS = {"corpus": "Music", "imagenet": "Picture"}
_CHIP_WORDS = {
    "same_piece": "as within one piece",
    "same_composer": "as by one composer",
    "other_composer": "as by two composers",
    "shuffled": "as shuffled notes",
    "noise": "as random notes",
}
_MAXIMUM_STEPS = 5
_LEAST_SPAN = 0.05
# In the order of the rows; the real piece is the yardstick for the generated ones.
_NAMES = {
    "prism": "Prism",
    "amt": "AMT",
    "corpus": "The real piece (never used in training)",
}


def number(value: float, decimals: int = 2) -> str:
    """A cosine as it is shown.

    Examples
    --------
    >>> number(0.874), number(-0.5), number(-0.001), number(1)
    ('0.87', '−0.50', '0.00', '1.00')
    """
    digits = f"{abs(value):.{decimals}f}"
    negative = round(value, decimals) < 0
    return f"−{digits}" if negative else digits


def scores_value(
    scores: Mapping[str, list[Score]],
    bands: Mapping[str, Mapping[str, Band]],
    hint: str = "",
    message: str = "",
    against: str = CORPUS_PIECE,
    composers: int = 1,
) -> dict[str, Any]:
    """A card's value; its `chips` are for the lanes, by source.

    Parameters
    ----------
    scores : dict
        For each of `COMPARED` that has been, a score a network.
    bands : dict
        The scorer's; empty for a card without charts.
    hint, message : str
        What is to come; what went wrong.
    against : str
        What was compared with, `CORPUS_PIECE` or `YOURS`.
    composers : int
        How many were asked for; a real piece is by one of them.
    """
    one_of = f" by one of the {composers} composers" if composers > 1 and against != YOURS else ""
    return {
        "charts": [_chart(network, kinds, scores) for network, kinds in bands.items()],
        "summary": _summary(scores, against) if bands else "",
        "hint": hint,
        "message": message,
        "against": f"{against}{one_of}",
        "chips": _chips(scores, bool(one_of)),
    }


def _chips(scores: Mapping[str, list[Score]], one_of_several: bool) -> dict[str, Any]:
    """What a lane's header says of its piece: a score a network, or that it is the yardstick."""
    yardstick = "by one of the composers" if one_of_several else "what the others are compared with"
    about = "The generated pieces are compared with this one alone."
    chips = {source: [] for source in COMPARED}
    for source, network in itertools.product(COMPARED, _CHIP_NETWORKS):
        if score := marks_of(network, scores).get(source):
            chips[source].append(_chip(score))
    return chips | {"corpus": [{"name": "", "number": "", "words": yardstick, "about": about}]}


def _chip(score: Score) -> dict[str, str]:
    from prism.similarity.bands import KIND_WORDS

    shorter = {f"like {words}": _CHIP_WORDS[kind] for kind, words in KIND_WORDS.items()}
    name, shown = NETWORKS[score.network][0], number(score.cosine)
    return {
        "name": _CHIP_NETWORKS[score.network],
        "number": shown,
        "words": shorter.get(score.words, score.words),
        "about": f"{name}: its cosine with the real piece is {shown}, {score.words}.",
    }


def marks_of(network: str, scores: Mapping[str, Sequence[Score]]) -> dict[str, Score]:
    """One network's score of each source that has one."""
    return {
        source: score
        for source in COMPARED
        for score in scores.get(source, ())
        if score.network == network
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


def _chart(
    network: str, bands: Mapping[str, Band], scores: Mapping[str, list[Score]]
) -> dict[str, Any]:
    # The similarity package brings the machine-learning library along.
    from prism.similarity.bands import KIND_WORDS

    title, about = NETWORKS[network]
    rows = [
        {"words": KIND_WORDS[kind], "quantiles": band.quantiles} for kind, band in bands.items()
    ]
    marks = marks_of(network, scores)
    cosines = [score.cosine for score in marks.values()]
    ticks = axis([*cosines, *(q for row in rows for q in row["quantiles"])])
    decimals = 1 if ticks[1] - ticks[0] > 0.099 else 2
    return {
        "title": title,
        "about": about,
        "rows": rows,
        "ticks": [{"at": tick, "text": number(tick, decimals)} for tick in ticks],
        "marks": [
            {
                "source": source,
                "at": score.cosine,
                "text": f"{TITLES[source]} {number(score.cosine)}",
            }
            for source, score in marks.items()
        ],
        "sentences": [_sentence(TITLES[source], marks.get(source)) for source in COMPARED],
        "description": _description(title, rows, marks),
    }


def _sentence(name: str, score: Score | None) -> str:
    return f"{name}: {number(score.cosine)}, {score.words}." if score else f"{name}: no score yet."


def _description(title: str, rows: list[dict[str, Any]], marks: Mapping[str, Score]) -> str:
    """The chart for those who do not see it."""
    found = [f"{TITLES[source]} {number(score.cosine)}" for source, score in marks.items()]
    halves = [
        f"{row['words']} {number(row['quantiles'][1])} to {number(row['quantiles'][3])}"
        for row in rows
    ]
    scores = ", ".join(found) or "no score yet"
    return f"{title}: {scores}. The middle half of real pairs: {'; '.join(halves)}."


def _summary(scores: Mapping[str, list[Score]], against: str) -> str:
    if not all(scores.get(source) for source in COMPARED):
        return f"A score is {CAUTION}."
    # As they are shown.
    pairs = [
        [round(score.cosine, 2) for score in pair]
        for pair in zip(scores["prism"], scores["amt"], strict=True)
    ]
    if all(prism > amt for prism, amt in pairs):
        said = f"Both networks find Prism's piece more like {against} than AMT's"
    elif all(amt > prism for prism, amt in pairs):
        said = f"Both networks find AMT's piece more like {against} than Prism's"
    else:
        said = "The two networks do not both prefer one of the generated pieces"
    return f"{said}; that is {CAUTION}."


def nearest_value(
    neighbours: Mapping[str, Neighbour], hint: str = "", message: str = ""
) -> dict[str, Any]:
    """A card's value from the sources' neighbours; see `scores_value`."""
    rows = [
        {
            "source": source,
            "name": name,
            "overlap": f"{round(100 * neighbours[source].overlap)} %",
            "copy": neighbours[source].is_copy,
            "where": where(neighbours[source]),
            "found": neighbours[source].overlap > 0,
        }
        for source, name in _NAMES.items()
        if source in neighbours
    ]
    return {"rows": rows, "hint": hint, "message": message}


def where(neighbour: Neighbour) -> str:
    """Which music it is: ``"Bach: bwv261, from beat 34, transposed down 2 semitones"``."""
    piece = neighbour.piece
    if neighbour.overlap <= 0:
        return "no training music has a note in common with it"
    moved, count = "not transposed", abs(neighbour.semitones)
    if count:
        way = "up" if neighbour.semitones > 0 else "down"
        moved = f"transposed {way} {count} semitone{'s' if count > 1 else ''}"
    return f"{piece.label}: {piece.title}, from beat {neighbour.start_beat}, {moved}"


def neighbour_piece(
    source: str, neighbour: Neighbour, sample: PianoRoll, withheld: str = ""
) -> ShownPiece:
    """The training music as it meets the sample, ready to be played; still without files."""
    piece, roll = neighbour.piece, neighbour.roll.transposed(neighbour.semitones)
    return ShownPiece(
        kind="Real · training music",
        title=piece.title,
        detail=f"{where(neighbour)} · {round(100 * neighbour.overlap)} % overlap with "
        f"{_NAMES[source].split(' (')[0]}",
        caption=f"From {corpus_words(piece.source)}, used in training; moved to the sample's "
        f"keys and tempo. Terms: {piece.terms}.",
        name=f"nearest-to-{source}-{piece.label}-{piece.title}",
        roll=dataclasses.replace(roll, **sample.properties),
        lines=real_lines(piece),
        source="corpus",
        withheld=withheld,
    )


def history_value(history: History) -> dict[str, Any]:
    """The list's value, the latest result first."""
    return {
        "entries": [_shown(entry) for entry in reversed(history.entries)],
        "shown": history.shown,
        "most": MOST_ENTRIES,
    }


def _shown(entry: Entry) -> dict[str, Any]:
    settings = entry.settings
    words = f"guidance {settings.guidance_scale:g} · seed {settings.seed}"
    metre = settings.time_signature and signature(settings.time_signature)
    pitch, start, end, _ = entry.piece("prism").roll.arrays()
    return {
        "number": entry.number,
        "title": settings.mix,
        "detail": " · ".join(filter(None, [words, metre, asked_words(settings.attributes)])),
        "beside": f"beside {entry.own.piece.title}" if entry.own else "",
        # Of the network that hears time, which the other one hardly does.
        "scores": " · ".join(
            f"{TITLES[source]} {number(score.cosine)}"
            for source, score in marks_of("corpus", entry.scores).items()
        ),
        "when": entry.when,
        # Pitch, start and end (frames) of every note, one after another.
        "notes": np.stack([pitch, start, end], axis=1).ravel().tolist(),
    }
