"""Several takes of one setting, and by which rule one of them goes first.

Conventions
-----------
take
    Number 1 has the notes of the setting's seed, number n those of the (n − 1)th seed after it. The
    real piece and the baseline stay those of the setting's seed.
rule
    By what takes are sorted, if somebody asks for it: see `RULES`. The scores of a piece, the
    examples and the experiment are of what one seed draws, never of a choice among takes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from prism.models.setting_types import Word
from prism.models.settings import TAKES, GenerationSettings
from prism.music.roll import PianoRoll

DRAWN = "drawn"
# Each is one drawing of 64 beats, around nothing.
NOT_OF_TAKES = ("take", "beats", "keep", "redraw")


@dataclasses.dataclass(frozen=True)
class Rule:
    """A figure of a take, in words; the take with the `highest`, or the lowest, goes first."""

    words: str
    about: str
    highest: bool = True


RULES = {
    "real": Rule("nearest to the real piece", "cosine with the real piece by the music network"),
    "training": Rule(
        "least like training music", "overlap with the nearest training music", highest=False
    ),
    "network": Rule(
        f"best of {TAKES} by the music network",
        "how sure the music network is of the composers asked for",
    ),
}
SORT = Word(
    name="sort",
    default=DRAWN,
    choices={DRAWN: "as drawn"} | {name: rule.words for name, rule in RULES.items()},
    help="which take goes first",
)


@dataclasses.dataclass(frozen=True)
class Take:
    """One of them, with its figures by the names of `RULES`, once they are known."""

    settings: GenerationSettings
    roll: PianoRoll
    figures: Mapping[str, float] = dataclasses.field(default_factory=dict)

    @property
    def number(self) -> int:
        """From 1 to `TAKES`."""
        return self.settings.take or 1


def ordered(takes: Sequence[Take], sort: str) -> list[Take]:
    """The takes with the first of a rule first; as they were drawn for `DRAWN`."""
    if sort == DRAWN:
        return list(takes)
    return sorted(takes, key=lambda take: take.figures[sort], reverse=RULES[sort].highest)
