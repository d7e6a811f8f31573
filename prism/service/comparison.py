"""A comparison to be kept: its pieces, what was chosen, and how alike they are."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from prism.service.sources import TITLES

if TYPE_CHECKING:
    from prism.service.piece import ShownPiece
    from prism.similarity.bands import Band
    from prism.similarity.scorer import Score

CAUTION = "similarity to one piece by a network's features, not how good the music is"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """All there is to keep of one click.

    Parameters
    ----------
    title : str
        Whom it is about, for example ``"Bach 70 % + Mozart 30 %"``.
    settings : dict
        What was chosen, as JSON can hold it.
    pieces : dict
        Those that are finished, by the names of their sources.
    scores : dict
        Of the generated pieces against the real one, a score a network; a source without is not
        scored yet.
    bands : dict
        For each network what cosines real pairs have.
    link : str
        Opens the same comparison; empty for none.
    remarks : tuple of str
        Whatever else a reader should know.
    """

    title: str
    settings: Mapping[str, object]
    pieces: Mapping[str, ShownPiece]
    scores: Mapping[str, Sequence[Score]] = dataclasses.field(default_factory=dict)
    bands: Mapping[str, Mapping[str, Band]] = dataclasses.field(default_factory=dict)
    link: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The names of the sources that are not finished."""
        return [name for source, name in TITLES.items() if source not in self.pieces]

    def marks(self, network: str) -> dict[str, Score]:
        """One network's score of each source that has one."""
        return {
            source: score
            for source in TITLES
            for score in self.scores.get(source, ())
            if score.network == network
        }


def number(value: float, decimals: int = 2) -> str:
    """A cosine as it is read out: without the leading zero.

    Examples
    --------
    >>> number(0.874), number(-0.5), number(-0.001), number(1)
    ('.87', '−.50', '.00', '1.00')
    """
    digits = f"{abs(value):.{decimals}f}".removeprefix("0")
    negative = round(value, decimals) < 0
    return f"−{digits}" if negative else digits
