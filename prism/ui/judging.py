"""What is said about the pieces of a click: scores, nearest training music, and a way to hear it.

All handlers take the visitor's `Visit`, work for the click that is the latest when they begin, and
say nothing once it is over. A fault concerns the card alone in which it is told.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.service.studio import Studio
from prism.service.visit import Click, Visit
from prism.ui.originality import nearest_value, neighbour_piece
from prism.ui.player import piece_value, player_value
from prism.ui.scores import COMPARED, CORPUS_PIECE, YOURS, scores_value

logger = logging.getLogger(__name__)

FIRST_SCORES = "After a click: how much like the corpus piece the generated ones are."
FIRST_NEAREST = "After a click: which training music the pieces come closest to."
_RANK = 3  # a search takes as long as a piece; whoever waits for a piece goes first
_PATIENCE_SECONDS = 4.0
_WAITING = "As soon as the pieces are finished."
_LOADING = "Loading, a few seconds…"


class Judging:
    """Event handlers of the cards below the players; `controls` are as for `Studio.read`.

    Parameters
    ----------
    studio : Studio
        Holds the judge and the index of the training music.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def clicked(self, visit: Visit, *controls: Any) -> list[Any]:
        """Begin a click: what was said and begun for the one before is out of date.

        A choice with a mistake changes nothing; (scores, nearest, heard player, its column).
        """
        try:
            choice = self.studio.read(*controls)
        except (ValueError, OSError):
            # The players' handlers say what is wrong.
            return [gr.skip()] * 4
        visit.begin(choice)
        bands = self.studio.judge.get().bands if self.studio.judge.ready else {}
        silent = player_value("")
        return [
            scores_value({}, bands, hint="" if bands else _WAITING, against=_against(visit.click)),
            nearest_value({}, hint=_WAITING),
            silent,
            gr.update(visible=False),
        ]

    def replaced(self, visit: Visit) -> list[Any]:
        """Another piece to compare with may stand there; (scores, nearest) of what is still so."""
        click = visit.click
        bands = self.studio.judge.get().bands if self.studio.judge.ready else {}
        scores = scores_value(click.scores, bands, against=_against(click))
        scores = scores if click.choice else gr.skip()
        return [scores, nearest_value(click.neighbours) if click.neighbours else gr.skip()]

    def scores(self, visit: Visit) -> Iterator[Any]:
        """Score the generated pieces that are there and have no score yet; the card's value."""
        click = visit.click
        if not _unscored(click):
            yield gr.skip()
            return
        if not self.studio.judge.ready:
            yield scores_value({}, {}, hint=_LOADING)
        try:
            judge = self.studio.judge.get()
            rolls = {side: click.pieces[side].roll for side in _unscored(click)}
            real = click.pieces["corpus"]
            found = self.studio.models.run(judge.scores, real.roll, rolls)
            if click.pieces.get("corpus") is not real:
                # Another piece to compare with came meanwhile, and its own scores after it.
                yield gr.skip()
                return
            click.scores |= found
            value = scores_value(click.scores, judge.bands, against=_against(click))
        except Exception as error:  # whatever it was, the rest of the page goes on
            value = scores_value({}, {}, message=f"There are no scores: {_told(error)}")
        yield gr.skip() if click.over else value

    def nearest(self, visit: Visit) -> Iterator[Any]:
        """Look for the training music nearest to each piece; the card's value."""
        click = visit.click
        # Always something: a generator without items empties the card.
        waits = _unplaced(click) and not self.studio.index.ready
        yield nearest_value({}, hint=_LOADING) if waits else gr.skip()
        try:
            with self.studio.turns.take(_RANK, _PATIENCE_SECONDS) as turn:
                for side in _unplaced(click):
                    for _ in turn.moments():
                        yield gr.skip()
                    roll = click.pieces[side].roll
                    click.neighbours[side] = self.studio.index.get().nearest(roll)
                    if click.over:
                        return
                    yield nearest_value(click.neighbours)
        except Exception as error:  # whatever it was, the rest of the page goes on
            message = f"The training music cannot be searched: {_told(error)}"
            yield nearest_value({}, message=message)

    def hear(self, visit: Visit, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Make the nearest music sound; (player, piece, its column)."""
        click, side = visit.click, event.side
        if side not in click.neighbours:
            return gr.skip(), gr.skip(), gr.skip()
        piece = neighbour_piece(side, click.neighbours[side], click.pieces[side].roll).render()
        return piece_value(piece), piece, gr.update(visible=True)


def _unscored(click: Click) -> list[str]:
    """The generated pieces that can be compared and were not."""
    if "corpus" not in click.pieces:
        return []
    return [side for side in COMPARED if side in click.pieces and side not in click.scores]


def _unplaced(click: Click) -> list[str]:
    """The pieces whose neighbour is not known; the generated ones go first."""
    if not any(side in click.pieces for side in COMPARED):
        return []
    # A visitor's own music may well be in the corpus, where it is no yardstick.
    sides = [*COMPARED] if click.own else [*COMPARED, "corpus"]
    return [side for side in sides if side in click.pieces and side not in click.neighbours]


def _against(click: Click) -> str:
    """What the generated pieces are compared with, in the words of the card."""
    return YOURS if click.own else CORPUS_PIECE


def _told(error: Exception) -> str:
    logger.error("%s", error, exc_info=not isinstance(error, (ValueError, OSError)))
    return str(error)
