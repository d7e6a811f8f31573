"""Does an attribute steer what it names: what was asked for against what can be measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from prism.attributes import ATTRIBUTES, METRE, Attribute
from prism.corpora.prepared import Corpus
from prism.dataset import windows_by_label
from prism.evaluation.estimates import share_interval
from prism.music import FRAMES_PER_BEAT, PianoRoll
from prism.pipeline import PrismPipeline

_SIGNATURES = dict(zip(METRE.values, ((3, 4), (4, 4)), strict=True))


@dataclasses.dataclass(frozen=True)
class Question:
    """A value of an attribute, and the arguments of a call that ask for it."""

    attribute: Attribute
    value: str
    wish: dict[str, Any]

    def share(self, rolls: list[PianoRoll]) -> float:
        """How many of some rolls have the value, 0 to 1."""
        return float(np.mean([self.attribute.measure(roll) == self.value for roll in rolls]))


def questions(prism: PrismPipeline) -> list[Question]:
    """Every value of every attribute the model knows, and the metres that can be told apart."""
    asked = [
        Question(ATTRIBUTES[name], value, {"attributes": {name: value}})
        for name, values in prism.attributes.items()
        for value in values
    ]
    metres = [Question(METRE, v, {"time_signature": pair}) for v, pair in _SIGNATURES.items()]
    return asked + metres


def steering(
    prism: PrismPipeline, corpus: Corpus, samples: int, seed: int, split: str = "test"
) -> Iterator[dict[str, Any]]:
    """For each of the `questions`, rolls by composers in turn.

    The same composers and seeds are drawn once more with nothing asked for, to see how often the
    value comes by itself.

    Parameters
    ----------
    prism : PrismPipeline
        The model.
    corpus : Corpus
        Real music, to see what the metre's rule says of it.
    samples : int
        Rolls a value.
    seed : int
        Of the first roll; the others follow.
    split : str
        Side of the split the real music is from.

    Yields
    ------
    dict
        ``attribute`` and ``value``; of the ``samples`` the share that ``has_it``, its
        ``interval``, and the share that has it ``unasked``; and ``real``, the share of real music
        with that value of which the rule says so: 1 but for the metre, as the others are what
        their rules say; None where there is no such music.
    """
    calls = [(prism.composers[k % len(prism.composers)], seed + k) for k in range(samples)]
    free = [prism(name, seed=number).rolls[0] for name, number in calls]
    for question in questions(prism):
        drawn = [prism(name, seed=number, **question.wish).rolls[0] for name, number in calls]
        share = question.share(drawn)
        interval = share_interval(round(share * samples), samples)
        yield {
            "attribute": question.attribute.name,
            "value": question.value,
            "has_it": round(share, 4),
            "interval": [round(float(end), 4) for end in interval],
            "unasked": round(question.share(free), 4),
            "real": _real_share(question, corpus, split),
            "samples": samples,
        }


def _real_share(question: Question, corpus: Corpus, split: str) -> float | None:
    if question.attribute is not METRE:
        return 1.0
    frames = FRAMES_PER_BEAT * _SIGNATURES[question.value][0]
    windows = [w for some in windows_by_label(corpus, split).values() for w in some]
    written = [w.roll for w in windows if (w.metre[:, 0] == frames).all()]
    return round(question.share(written), 4) if written else None
