"""Does an attribute steer what it names: what was asked for against what can be measured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from prism.attributes import ATTRIBUTES
from prism.evaluation.estimates import share_interval
from prism.pipeline import PrismPipeline


def steering(prism: PrismPipeline, samples: int, seed: int) -> Iterator[dict[str, Any]]:
    """For each value of each attribute the model knows, rolls by composers in turn.

    The same composers and seeds are drawn once more with nothing asked for, to see how often the
    value comes by itself.

    Parameters
    ----------
    prism : PrismPipeline
        The model.
    samples : int
        Rolls a value.
    seed : int
        Of the first roll; the others follow.

    Yields
    ------
    dict
        ``attribute`` and ``value``; of the ``samples`` the share that ``has_it``, its
        ``interval``, and the share that has it ``unasked``.
    """
    names = [prism.composers[k % len(prism.composers)] for k in range(samples)]
    free = [prism(name, seed=seed + k).rolls[0] for k, name in enumerate(names)]
    for attribute, values in prism.attributes.items():
        unasked = [ATTRIBUTES[attribute].measure(roll) for roll in free]
        for value in values:
            wish = {attribute: value}
            drawn = [
                prism(name, seed=seed + k, attributes=wish).rolls[0]
                for k, name in enumerate(names)
            ]
            hits = sum(ATTRIBUTES[attribute].measure(roll) == value for roll in drawn)
            yield {
                "attribute": attribute,
                "value": value,
                "has_it": round(hits / samples, 4),
                "interval": [round(float(end), 4) for end in share_interval(hits, samples)],
                "unasked": round(float(np.mean([found == value for found in unasked])), 4),
                "samples": samples,
            }
