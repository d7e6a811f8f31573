"""Arguments that commands have in common, and how they are read.

Conventions
-----------
composers
    ``Bach`` or ``Bach=0.7``; without a number the weight is 1. Weights are scaled to sum to 1 and
    rounded as the page does it, so that both draw the same notes; who has none takes no part.
seeds
    ``--seed 7 --seed 9``, or ``--seed 7 --number 3`` for 7, 8 and 9.
"""

from __future__ import annotations

import argparse
import dataclasses
import math
import os
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from prism.corpora.provenance import checkpoint
from prism.models.settings import METRES, USUAL_STRUCTURE
from prism.music.attributes import ATTRIBUTES, NAMES, usual_spelling
from prism.music.metadata import drawn_lines
from prism.music.naming import drawn_words, mixture

if TYPE_CHECKING:
    from prism.models.pipeline import PrismPipeline
    from prism.music.roll import PianoRoll

ROOT = pathlib.Path(__file__).resolve().parents[2]
_WEIGHT_DIGITS = 6


@dataclasses.dataclass(frozen=True)
class Mix:
    """Composers with their weights, which are above 0 and sum to 1."""

    composers: tuple[str, ...]
    weights: tuple[float, ...]

    def __str__(self) -> str:
        """For example ``"Bach 70 % + Mozart 30 %"``."""
        return mixture(self.composers, self.weights)


def read_mix(texts: Sequence[str], known: Sequence[str]) -> Mix:
    """Read ``COMPOSER`` and ``COMPOSER=WEIGHT``.

    Parameters
    ----------
    texts : sequence of str
        As typed; at least one.
    known : sequence of str
        The labels there are.

    Raises
    ------
    ValueError
        If a label is not known, which lists those that are, or a weight is not a number of 0 or
        more, or all are 0.

    Examples
    --------
    >>> read_mix(["Bach=3", "Irish reels"], known=["Bach", "Irish reels"])
    Mix(composers=('Bach', 'Irish reels'), weights=(0.75, 0.25))
    """
    pairs = [_pair(text) for text in texts]
    unknown = [name for name, _ in pairs if name not in known]
    if unknown:
        raise ValueError(
            f"composers: unknown {', '.join(map(repr, unknown))}; choose from {', '.join(known)}"
        )
    total = sum(weight for _, weight in pairs)
    if not total:
        raise ValueError("composers: all weights are 0; give at least one a weight above 0")
    shares = [(name, round(weight / total, _WEIGHT_DIGITS)) for name, weight in pairs]
    names, weights = zip(*[(name, share) for name, share in shares if share], strict=True)
    return Mix(names, weights)


def _pair(text: str) -> tuple[str, float]:
    name, equals, number = text.partition("=")
    try:
        weight = float(number) if equals else 1.0
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        raise ValueError(
            f"composers: expected a weight of 0 or more after '=', as in Bach=0.7; got {text!r}"
        )
    return name.strip(), weight


def read_seeds(seeds: Sequence[int] | None, number: int | None) -> list[int]:
    """Every seed once, in order; `number` counts on from a single one.

    Raises
    ------
    ValueError
        If `number` is below 1 or comes with several seeds.
    """
    seeds = list(dict.fromkeys(seeds or [0]))
    if number is None:
        return seeds
    if number < 1 or len(seeds) > 1:
        raise ValueError(
            f"--number: expected 1 or more, with one --seed at most to count from; got {number} "
            f"with {len(seeds)}"
        )
    return list(range(seeds[0], seeds[0] + number))


def add_controls(parser: argparse.ArgumentParser) -> None:
    """Add the page's controls, and the folders to read from and write to."""
    parser.add_argument(
        "composers",
        nargs="+",
        metavar="COMPOSER[=WEIGHT]",
        help="one to four, for example Bach=0.7 'Irish reels=0.3'; a wrong one lists all",
    )
    parser.add_argument("--guidance-scale", type=float, default=2.0, help="0 to 8 (default: 2)")
    parser.add_argument("--seed", type=int, action="append", help="may be repeated (default: 0)")
    parser.add_argument("--number", type=int, help="so many seeds, counting up from --seed")
    parser.add_argument(
        "--num-inference-steps", type=int, default=16, help="sampler steps (default: 16)"
    )
    parser.add_argument("--tempo", type=float, help="quarter notes a minute (default: the music's)")
    parser.add_argument("--metre", help=f"{', '.join(METRES)} (default: one the composers used)")
    for name in NAMES:
        parser.add_argument(f"--{name}", help=_example(name) + "a wrong one lists all")
    parser.add_argument(
        "--structure-scale",
        type=float,
        default=USUAL_STRUCTURE,
        help="0 to 8, how much bars are led to return (default: %(default)g)",
    )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path(),
        metavar="FOLDER",
        help="where to write (default: the current folder)",
    )
    parser.add_argument(
        "--weights",
        type=pathlib.Path,
        default=pathlib.Path(os.environ.get("PRISM_WEIGHTS") or ROOT / "weights"),
        metavar="FOLDER",
        help="trained models, or their name on the Hub (default: PRISM_WEIGHTS, or the bundled)",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def _example(name: str) -> str:
    return f"such as {ATTRIBUTES[name].values[0]!r}; " if name in ATTRIBUTES else ""


def controls_record(mix: Mix, options: argparse.Namespace) -> dict[str, Any]:
    """What was chosen for all seeds, as JSON holds it."""
    return {
        "composers": list(mix.composers),
        "composer_weights": list(mix.weights),
        "guidance_scale": options.guidance_scale,
        "num_inference_steps": options.num_inference_steps,
        "metre": options.metre,
        "attributes": _asked(options)["attributes"],
        "structure_scale": options.structure_scale,
    }


def draw(pipeline: PrismPipeline, mix: Mix, seed: int, options: argparse.Namespace) -> PianoRoll:
    """Let Prism draw one roll as the controls say."""
    return pipeline(
        list(mix.composers),
        list(mix.weights),
        guidance_scale=options.guidance_scale,
        num_inference_steps=options.num_inference_steps,
        seed=seed,
        tempo=options.tempo,
        **_asked(options),
    ).rolls[0]


def drawn_inscription(
    pipeline: PrismPipeline, mix: Mix, seed: int, options: argparse.Namespace, roll: PianoRoll
) -> tuple[str, ...]:
    """What files say of a roll of Prism's, first in the words of the page."""
    asked = _asked(options)
    words = drawn_words(
        str(mix),
        options.guidance_scale,
        seed,
        options.num_inference_steps,
        roll,
        asked["attributes"],
    )
    settings = {
        "guidance_scale": options.guidance_scale,
        "seed": seed,
        "num_inference_steps": options.num_inference_steps,
        "tempo": options.tempo,
        **asked,
    }
    origin = checkpoint(pipeline.autoencoder, pipeline.dit)
    return f"Prism: {words}", *drawn_lines(mix.composers, mix.weights, settings, origin)


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """Metre, attributes and structure, as arguments of the pipeline, which checks the others."""
    if options.metre not in (None, *METRES):
        raise ValueError(f"metre: expected one of {', '.join(METRES)}; got {options.metre!r}")
    asked = {name: getattr(options, name) for name in sorted(NAMES)}
    return {
        "time_signature": METRES.get(options.metre),
        "attributes": {n: usual_spelling(value) for n, value in asked.items() if value is not None},
        "structure_scale": options.structure_scale,
    }
