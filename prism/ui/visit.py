"""What one visitor has on the page, shared by the handlers that run meanwhile."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from prism.ui.piece import ShownPiece

if TYPE_CHECKING:
    from prism.similarity.judge import Score
    from prism.similarity.neighbours import Neighbour


@dataclasses.dataclass
class Click:
    """What has come of one press of Generate, keyed by the sides' names.

    Whoever works for a click keeps hold of it, so that what comes late never gets among the
    results of the next.

    Parameters
    ----------
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

    over: bool = False
    stopped: bool = False
    pieces: dict[str, ShownPiece] = dataclasses.field(default_factory=dict)
    scores: dict[str, list[Score]] = dataclasses.field(default_factory=dict)
    neighbours: dict[str, Neighbour] = dataclasses.field(default_factory=dict)


class Visit:
    """Knows the latest click."""

    def __init__(self) -> None:
        self.click = Click()

    def begin(self) -> Click:
        """Begin a click; the one before it is over."""
        self.click.over = True
        self.click = Click()
        return self.click
