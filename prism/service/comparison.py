"""A comparison to be kept: its pieces, what was chosen, and how alike they are."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from prism.music.roll import PianoRoll

if TYPE_CHECKING:
    from prism.similarity.bands import Band
    from prism.similarity.scorer import Score

# In the order in which the page shows them.
SIDES = {"prism": "Prism", "corpus": "Corpus", "amt": "AMT"}
CAUTION = "similarity to one piece by a network's features, not how good the music is"


class Piece(Protocol):
    """A side's music with its words and files; the page's are `prism.service.piece.ShownPiece`.

    Attributes
    ----------
    kind, title, detail, caption, message : str
        As the player shows them, `message` if something went wrong.
    roll : PianoRoll
        As it is drawn and scored.
    lines : tuple of str
        Of its origin; see `prism.music.metadata`.
    files : dict of str to Path
        What was made of it, by kind.
    """

    kind: str
    title: str
    detail: str
    caption: str
    message: str
    roll: PianoRoll
    lines: tuple[str, ...]
    files: Mapping[str, pathlib.Path]


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
        Those of `SIDES` that are finished.
    scores : dict
        Of the generated pieces against the real one, a score a network; a side without is not
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
    pieces: Mapping[str, Piece]
    scores: Mapping[str, Sequence[Score]] = dataclasses.field(default_factory=dict)
    bands: Mapping[str, Mapping[str, Band]] = dataclasses.field(default_factory=dict)
    link: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """The names of the sides that are not finished."""
        return [name for side, name in SIDES.items() if side not in self.pieces]

    def marks(self, network: str) -> dict[str, Score]:
        """One network's score of each side that has one."""
        return {
            side: score
            for side in SIDES
            for score in self.scores.get(side, ())
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
