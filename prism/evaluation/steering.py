"""Do attributes steer what they name: what was asked for against what is measured."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np

from prism.corpora.collections import collection_of
from prism.corpora.dataset import windows_by_label
from prism.corpora.prepared import Corpus
from prism.evaluation.bootstrap import rounded, rounded_pair, share_interval
from prism.models.pipeline import PrismPipeline
from prism.music.attributes import ATTRIBUTES, COLLECTION, METRE, Attribute
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.music.windows import Window
from prism.similarity.networks import CorpusFeatures

Hearing = Callable[[Sequence[PianoRoll]], list[str | None]]


@dataclasses.dataclass(frozen=True)
class Question:
    """A value of an attribute, how a call asks for it and how it is measured.

    Parameters
    ----------
    attribute, value : str
        What is asked for.
    condition : dict
        The arguments of a call that ask for it.
    hearing : callable
        Gives the value of each of some rolls.
    settings : dict
        Arguments of a call whether or not it is asked for.
    has_it : callable, optional
        Whether a real window has the value by what is written, not heard; without it the hearing
        is the attribute's own rule and right by definition.
    """

    attribute: str
    value: str
    condition: dict[str, Any]
    hearing: Hearing
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)
    has_it: Callable[[Window], bool] | None = None

    def share(self, rolls: Sequence[PianoRoll]) -> float:
        """How many of some rolls have the value, 0 to 1."""
        return float(np.mean([heard == self.value for heard in self.hearing(rolls)]))

    def real_share(self, windows: Sequence[Window]) -> float | None:
        """How many of the windows that have the value are heard to; None if none has it."""
        if self.has_it is None:
            return 1.0
        rolls = [window.roll for window in windows if self.has_it(window)]
        return rounded(self.share(rolls)) if rolls else None


def questions(prism: PrismPipeline, network: CorpusFeatures, corpus: Corpus) -> list[Question]:
    """Every value of every attribute the model knows, and the metres that can be told apart.

    A composer's pieces mostly are from one collection. So it is asked for with a guidance scale of
    0, which ignores the composers.
    """
    asked = [
        Question(name, value, {name: value}, _rule(ATTRIBUTES[name]))
        for name, values in prism.attributes.items()
        for value in values
        if name in ATTRIBUTES
    ]
    collections = prism.attributes.get(COLLECTION, ())
    hearing = _collection_hearing(network, corpus, collections)
    free = {"guidance_scale": 0.0}
    for value in collections:
        has_it = partial(_is_from, value)
        asked.append(Question(COLLECTION, value, {COLLECTION: value}, hearing, free, has_it))
    for value, signature in zip(METRE.values, ((3, 4), (4, 4)), strict=True):
        has_it = partial(_has_beats, signature[0])
        condition = {"time_signature": signature}
        asked.append(Question(METRE.name, value, condition, _rule(METRE), has_it=has_it))
    return asked


def _is_from(collection: str, window: Window) -> bool:
    return collection_of(window.piece) == collection


def _has_beats(beats: int, window: Window) -> bool:
    """Whether every bar is of so many beats."""
    return bool((window.metre[:, 0] == FRAMES_PER_BEAT * beats).all())


def _rule(attribute: Attribute) -> Hearing:
    return lambda rolls: [attribute.measure(roll) for roll in rolls]


def _collection_hearing(
    network: CorpusFeatures, corpus: Corpus, collections: Sequence[str]
) -> Hearing:
    """Which collection rolls could be from: the one whose composers are likeliest together."""
    origins = [(piece.label, collection_of(piece)) for piece in corpus.select("train")]
    counts, totals = Counter(origins), Counter(label for label, _ in origins)
    shares = np.array(
        [[counts[c, n] / max(1, totals[c]) for n in collections] for c in network.composers]
    )
    return lambda rolls: [
        collections[index] for index in (network.probabilities(rolls).numpy() @ shares).argmax(1)
    ]


def steering(
    prism: PrismPipeline,
    asked: Sequence[Question],
    corpus: Corpus,
    samples: int,
    seed: int,
) -> Iterator[dict[str, Any]]:
    """For each question, rolls by composers in turn, the first with `seed`, the others following.

    The same composers and seeds are drawn once more with nothing asked for, to see how often the
    value comes by itself; the corpus's test split shows how much of real music is heard as what it
    is.

    Yields
    ------
    dict
        ``attribute`` and ``value``; of the ``samples`` the share that ``has_it``, its
        ``interval``, and the share that has it ``unasked``; and ``real``, the share of real music
        with that value of which it is heard: 1 but for metre and collection, as the others are what
        their rules say; None where there is no such music.
    """
    calls = [(prism.composers[k % len(prism.composers)], seed + k) for k in range(samples)]
    windows = [w for some in windows_by_label(corpus, "test").values() for w in some]
    free: dict[tuple, list[PianoRoll]] = {}
    for question in asked:
        settings = question.settings
        key = tuple(settings.items())
        free[key] = free.get(key) or _drawn(prism, calls, settings)
        share = question.share(_drawn(prism, calls, settings | question.condition))
        interval = share_interval(round(share * samples), samples)
        yield {
            "attribute": question.attribute,
            "value": question.value,
            "has_it": rounded(share),
            "interval": rounded_pair(interval),
            "unasked": rounded(question.share(free[key])),
            "real": question.real_share(windows),
            "samples": samples,
        }


def _drawn(
    prism: PrismPipeline, calls: Sequence[tuple[str, int]], settings: dict[str, Any]
) -> list[PianoRoll]:
    return [prism(name, seed=number, **settings).rolls[0] for name, number in calls]
