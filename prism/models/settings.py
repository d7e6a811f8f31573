"""A validated request: what to draw, without the seeds."""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Mapping, Sequence

from prism.music.attributes import checked_attributes
from prism.music.naming import signature

MAXIMUM_GUIDANCE = 8.0
USUAL_ATTRIBUTE = 1.5
USUAL_STRUCTURE = 0.35
MAXIMUM_STEPS = 200
MAXIMUM_COMPOSERS = 4
TEMPO_RANGE = (20.0, 400.0)
# What people are offered; a call can ask for any other.
METRES = {
    signature(pair): pair
    for pair in ((4, 4), (3, 4), (2, 4), (2, 2), (3, 2), (3, 8), (6, 8), (9, 8), (12, 8))
}


@dataclasses.dataclass(frozen=True)
class Request:
    """One validated call: what to draw, without the seeds.

    Parameters
    ----------
    composers : tuple of str
        One or more labels.
    composer_weights : tuple of float
        One for each composer, summing to 1.
    guidance_scale : float
        0 ignores the composers, 1 is the plain conditional model.
    num_inference_steps : int
        Sampler steps.
    tempo : float or None
        Quarter notes a minute; None for the composers' own.
    time_signature : (int, int) or None
        None to draw one the composers used.
    attributes : tuple of (str, int)
        What else is asked for, and the index of its value; see `prism.music.attributes`.
    attribute_scale : float
        Guidance towards each attribute on its own, besides that towards the composers.
    structure_scale : float
        Guidance towards what far beats have to do with each other.
    """

    composers: tuple[str, ...]
    composer_weights: tuple[float, ...]
    guidance_scale: float
    num_inference_steps: int
    tempo: float | None
    time_signature: tuple[int, int] | None
    attributes: tuple[tuple[str, int], ...] = ()
    attribute_scale: float = 0.0
    structure_scale: float = 0.0


def checked_request(
    composers: str | Sequence[str],
    composer_weights: Sequence[float] | None,
    guidance_scale: float,
    num_inference_steps: int,
    tempo: float | None,
    time_signature: tuple[int, int] | None,
    attributes: Mapping[str, str | None] | None,
    attribute_scale: float,
    structure_scale: float,
    *,
    known_composers: Sequence[str],
    known_attributes: Mapping[str, Sequence[str]],
) -> Request:
    """Validate what a call of `prism.models.pipeline.PrismPipeline` was given; see there.

    Parameters
    ----------
    known_composers : sequence of str
        Whom the model knows.
    known_attributes : mapping of str to sequence of str
        What else can be asked of it, with all values; the others are the call's.

    Raises
    ------
    ValueError
        If an argument is out of its range; the message names it.
    """
    names = _checked_composers(composers, known_composers)
    steps = _integer("num_inference_steps", num_inference_steps)
    return Request(
        names,
        _checked_weights(composer_weights, len(names)),
        _in_range("guidance_scale", guidance_scale, 0.0, MAXIMUM_GUIDANCE),
        int(_in_range("num_inference_steps", steps, 1, MAXIMUM_STEPS)),
        None if tempo is None else _in_range("tempo", tempo, *TEMPO_RANGE),
        _checked_time_signature(time_signature),
        tuple(sorted(checked_attributes(attributes or {}, known_attributes).items())),
        _in_range("attribute_scale", attribute_scale, 0.0, MAXIMUM_GUIDANCE),
        _in_range("structure_scale", structure_scale, 0.0, MAXIMUM_GUIDANCE),
    )


def checked_seeds(seed: int | Sequence[int]) -> tuple[int, ...]:
    """One or more seeds as a tuple.

    Raises
    ------
    ValueError
        If there is none, or one is not a whole number from 0 to 2⁶³ − 1.
    """
    seeds = tuple(seed) if isinstance(seed, (list, tuple, range)) else (seed,)
    if not seeds:
        raise ValueError("seed: expected at least one, got none")
    return tuple(int(_in_range("seed", _integer("seed", s), 0, 2**63 - 1)) for s in seeds)


def _checked_composers(composers: str | Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    names = (composers,) if isinstance(composers, str) else tuple(composers)
    if not 1 <= len(names) <= MAXIMUM_COMPOSERS:
        raise ValueError(f"composers: expected 1 to {MAXIMUM_COMPOSERS}, got {len(names)}")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(
            f"composers: unknown {', '.join(map(repr, unknown))}; choose from {', '.join(known)}"
        )
    if len(set(names)) < len(names):
        raise ValueError(f"composers: each may be named once, got {', '.join(names)}")
    return names


def _integer(name: str, value: object) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"{name}: expected a whole number, got {value!r}") from None


def _in_range(name: str, value: float, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise ValueError(f"{name}: expected a number from {low:g} to {high:g}, got {value!r}")
    return float(value)


def _checked_weights(weights: Sequence[float] | None, count: int) -> tuple[float, ...]:
    values = [1.0] * count if weights is None else [float(w) for w in weights]
    if len(values) != count:
        raise ValueError(f"composer_weights: expected {count}, one a composer; got {len(values)}")
    if not all(math.isfinite(w) and w >= 0 for w in values) or sum(values) == 0:
        raise ValueError(
            f"composer_weights: expected numbers of 0 or more, not all 0; got {values}"
        )
    return tuple(w / sum(values) for w in values)


def _checked_time_signature(signature: tuple[int, int] | None) -> tuple[int, int] | None:
    if signature is None:
        return None
    numerator, denominator = signature
    if not 1 <= numerator <= 32 or denominator not in (1, 2, 4, 8, 16, 32):
        raise ValueError(f"time_signature: expected like (3, 4) or (6, 8), got {signature!r}")
    return int(numerator), int(denominator)
