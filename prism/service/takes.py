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
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from prism.models.setting_types import Word
from prism.models.settings import TAKES, GenerationSettings
from prism.music.roll import PianoRoll
from prism.service.scheduler import Priority

if TYPE_CHECKING:
    from prism.service.service import Service

DRAWN = "drawn"


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


def draw_takes(service: Service, settings: GenerationSettings) -> Iterator[list[Take]]:
    """Draw all takes of a setting as one batch; nothing in an item while it goes on."""
    for rolls in service.sources["prism"].takes(settings):
        yield [Take(*pair) for pair in zip(settings.takes, rolls or (), strict=False)]


def measured(service: Service, takes: Sequence[Take], real: PianoRoll | None = None) -> list[Take]:
    """The takes with their figures; `real` is compared with, the corpus's piece by default."""
    if real is None:
        real = service.sources["corpus"].piece(takes[0].settings).roll
    scorer, index = service.scorer.get(), service.index.get()
    names, rolls = takes[0].settings.composers, [take.roll for take in takes]
    compared = service.models.run(
        scorer.scores, real, dict(enumerate(rolls)), priority=Priority.SCORE
    )
    network = scorer.networks["corpus"]
    asked = [network.composers.index(name) for name in names]
    sure = service.models.run(network.probabilities, rolls, priority=Priority.SCORE)[:, asked]
    found = []
    for place, take in enumerate(takes):
        cosine = next(s.cosine for s in compared[place] if s.network == network.name)
        near = service.files.run(index.nearest, take.roll, priority=Priority.NEAREST)
        figures = {"real": cosine, "training": near.overlap, "network": float(sure[place].sum())}
        found.append(dataclasses.replace(take, figures=figures))
    return found


def ordered(takes: Sequence[Take], sort: str) -> list[Take]:
    """The takes with the first of a rule first; as they were drawn for `DRAWN`."""
    if sort == DRAWN:
        return list(takes)
    return sorted(takes, key=lambda take: take.figures[sort], reverse=RULES[sort].highest)
