"""What one visitor has on the page, shared by the handlers that run meanwhile."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from prism.service.piece import ShownPiece
from prism.ui.history import History

if TYPE_CHECKING:
    from prism.models.settings import GenerationSettings
    from prism.service.upload import OwnPiece
    from prism.similarity.neighbours import Neighbour
    from prism.similarity.scorer import Score


@dataclasses.dataclass
class Click:
    """What has come of one press of Generate, keyed by the sides' names.

    Whoever works for a click keeps hold of it, so that what comes late never gets among the
    results of the next.

    Parameters
    ----------
    choice : GenerationSettings or None
        What was asked for; None before the first click.
    own : OwnPiece or None
        The visitor's own music in the place of the corpus's.
    over : bool
        Whether the visitor has clicked again.
    stopped : bool
        Whether the visitor has pressed Stop: no more pieces come. Those that are there are still
        on the page, so what is said of them goes on.
    pieces : dict
        The finished ones.
    scores : dict
        Of the generated pieces against the corpus's, a score a network.
    neighbours : dict
        The training music nearest to each piece.
    """

    choice: GenerationSettings | None = None
    own: OwnPiece | None = None
    over: bool = False
    stopped: bool = False
    pieces: dict[str, ShownPiece] = dataclasses.field(default_factory=dict)
    scores: dict[str, list[Score]] = dataclasses.field(default_factory=dict)
    neighbours: dict[str, Neighbour] = dataclasses.field(default_factory=dict)


class Visit:
    """Knows the latest click, what came of those before it, and the visitor's own music."""

    def __init__(self) -> None:
        self.click = Click()
        self.history = History()
        self.own: OwnPiece | None = None

    def begin(self, choice: GenerationSettings | None = None) -> Click:
        """Begin a click; the one before it is over."""
        self.click.over = True
        self.click = Click(choice, self.own)
        return self.click

    def compare_with(self, own: OwnPiece | None) -> Click:
        """From now on the visitor's own music stands in for the corpus's, or no longer does.

        Of the latest click everything is forgotten that had to do with what stood there before.
        """
        self.own = self.click.own = own
        self.click.pieces.pop("corpus", None)
        self.click.neighbours.pop("corpus", None)
        self.click.scores = {}
        return self.click
