"""Arguments that commands have in common, and how they are read.

Conventions
-----------
composers
    ``Bach`` or ``Bach=0.7``; without a number the weight is 1. A name may hold ``=``: as much of
    the text as is a known name is the name, so of ``A=1`` and ``A`` the former is never the latter
    with a weight.
say
    What is given as an argument or an option counts instead of what ``--say`` says.
seeds
    ``--seed 7 --seed 9``, or ``--seed 7 --number 3`` for 7, 8 and 9.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from prism.models.setting_types import Number, Offered, SettingError
from prism.models.settings import (
    ATTRIBUTE_SETTINGS,
    PUBLIC,
    SETTINGS,
    GenerationSettings,
    checked_seeds,
)
from prism.service.describe import describe

if TYPE_CHECKING:
    from prism.service.bundle import Bundle

# Those with a form of their own on the command line.
_MIX = ("composers", "weights")


def add_controls(parser: argparse.ArgumentParser, without: Sequence[str] = ()) -> None:
    """Add the settings but for some, and the folders to read from and write to."""
    parser.add_argument(
        "composers",
        nargs="*",
        metavar="COMPOSER[=WEIGHT]",
        help=f"{SETTINGS['composers'].help}, such as Bach=0.7 'Irish reels=0.3'; a wrong one "
        "lists all",
    )
    parser.add_argument(
        "--say",
        metavar="WORDS",
        help="what the music should be like, such as 'a soft waltz in A minor, mostly Bach'; "
        "composers and options that are given besides count instead",
    )
    parser.add_argument("--number", help="so many seeds, counting up from --seed")
    for name, setting in PUBLIC.items():
        if name not in (*_MIX, *without):
            # As text: the setting says best what is wrong with it.
            several = {"action": "append"} if name == "seed" else {}
            option = f"--{name.replace('_', '-')}"
            parser.add_argument(
                option, help=f"{setting.description} (default: {setting.told_default})", **several
            )
    parser.add_argument(
        "--output",
        type=pathlib.Path,
        default=pathlib.Path(),
        metavar="FOLDER",
        help="where to write (default: the current folder)",
    )
    parser.add_argument(
        "--bundle",
        default=os.environ.get("PRISM_BUNDLE"),
        metavar="FOLDER",
        help="as prism build leaves it, or its name on the Hub (default: PRISM_BUNDLE, or the "
        "shipped one)",
    )
    parser.add_argument(
        "--weights",
        default=os.environ.get("PRISM_WEIGHTS"),
        metavar="FOLDER",
        help="other trained models, or their name on the Hub (default: PRISM_WEIGHTS, or the "
        "bundle's)",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def chosen_bundle(options: argparse.Namespace) -> Bundle:
    """The bundle that options of a parser with `add_controls` name, with their weights.

    Raises ValueError if there is none.
    """
    from prism.service.bundle import open_bundle  # not needed for --help

    return open_bundle(options.bundle).with_others(weights=options.weights)


def read_settings(options: argparse.Namespace, offered: Offered) -> Iterator[GenerationSettings]:
    """The settings for each seed, from options of a parser with `add_controls`.

    Raises ValueError, before the first settings, if one is out of its range, or ``--number`` leads
    out of that of the seeds or comes with several.
    """
    values = {name: getattr(options, name, None) for name in PUBLIC if name not in (*_MIX, "seed")}
    given = _said(options.say, offered) | {n: v for n, v in values.items() if v is not None}
    mix = [_composer(text, offered.composers) for text in options.composers]
    if mix or "composers" not in given:
        given |= dict(zip(_MIX, ([n for n, _ in mix], [w for _, w in mix]), strict=True))
    seeds = _seeds(options.seed or [given.pop("seed", GenerationSettings.seed)], options.number)
    return (GenerationSettings.read(given | {"seed": seed}, offered) for seed in seeds)


def _said(words: str | None, offered: Offered) -> dict[str, Any]:
    """The settings that words ask for; stderr has what was understood and what was not."""
    if words is None:
        return {}
    found = describe(words, offered)
    for told, some in (("understood", found.understood), ("not used", found.unused)):
        if some:
            print(f"prism: {told}: {', '.join(map(str, some))}", file=sys.stderr)
    return found.settings


def _composer(text: str, known: Sequence[str]) -> tuple[str, str]:
    """Name and weight, split at the last ``=`` that leaves a known name, or else at the first."""
    parts, names = text.split("="), {name.casefold() for name in known}
    ends = range(len(parts), 0, -1)
    end = next((e for e in ends if "=".join(parts[:e]).strip().casefold() in names), 1)
    return "=".join(parts[:end]).strip(), "=".join(parts[end:]) if end < len(parts) else "1"


def _seeds(given: Sequence[str | int], number: str | None) -> Sequence[int]:
    """Every seed once, in order; `number` counts on from a single one."""
    seeds = list(dict.fromkeys(checked_seeds(given)))
    if number is None:
        return seeds
    if len(seeds) > 1:
        raise SettingError("--number", "one --seed at most to count from", seeds)
    left = SETTINGS["seed"].high + 1 - seeds[0]
    count = Number(name="--number", default=1, low=1, high=left, whole=True).check(number)
    return range(seeds[0], seeds[0] + count)


def settings_record(settings: GenerationSettings) -> dict[str, Any]:
    """What was chosen for all seeds, as JSON holds it."""
    mix = {"composers": settings.composers, "composer_weights": settings.composer_weights}
    others = {
        name: value or None if isinstance(value, str) else value
        for name, value in settings.public().items()
        if name not in (*_MIX, "seed") and PUBLIC[name].name not in ATTRIBUTE_SETTINGS
    }
    return mix | others | {"attributes": settings.attributes}
