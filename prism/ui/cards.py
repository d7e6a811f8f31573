"""What stands below the players: earlier results, scores, nearest training music to be heard.

All handlers work for the generation that is the latest when they begin, and say nothing once it is
over. A fault concerns the card alone in which it is told.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr

from prism.service.cards import (
    CORPUS_PIECE,
    YOURS,
    history_value,
    nearest_value,
    neighbour_piece,
    scores_value,
)
from prism.service.log import fault_words, log_fault
from prism.service.service import Service
from prism.service.session import Generation, History, Session
from prism.ui.element import EACH, QUIET, Element
from prism.ui.player import PianoRollPlayer, piece_value, player_value

logger = logging.getLogger(__name__)

FIRST_SCORES = "After a click: how much like the real piece the generated ones are."
FIRST_NEAREST = "After a click: which training music the pieces come closest to."
_WAITING = "Appears when all pieces are ready."
_LOADING = "Loading, a few seconds…"
_SHOW = "() => document.querySelector('.prism-heard')?.scrollIntoView({ block: 'nearest' })"


class HistoryList(Element):
    """Shows the results; its value is `prism.service.cards.history_value`.

    Its ``recall`` event carries the ``number`` of the one to go back to.
    """

    asset = "page/history"
    parts = ("page/small-roll",)


class ScoreCard(Element):
    """Shows the scores; its value is `prism.service.cards.scores_value`."""

    asset = "page/scores"


class NearestCard(Element):
    """Shows the nearest training music; its value is `prism.service.cards.nearest_value`.

    Its ``hear`` event carries the ``source`` whose neighbour is wanted.
    """

    asset = "page/nearest"


class Cards:
    """Event handlers of the cards."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._telling = threading.Lock()

    def _told(self, value: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A card's value and when it was made: of two events' answers the page keeps the newer."""
        with self._telling:
            return value() | {"told": time.time()}

    def _scores(self, generation: Generation) -> dict[str, Any]:
        return self._told(
            lambda: scores_value(generation.scores, self._bands, **_against(generation))
        )

    def _nearest(self, generation: Generation) -> dict[str, Any]:
        return self._told(lambda: nearest_value(generation.neighbours))

    def begun(self, generation: Generation) -> list[Any]:
        """What was said before is out of date; (scores, nearest, heard player, its column)."""
        bands = self._bands
        hint = "" if bands else _WAITING
        return [
            self._told(lambda: scores_value({}, bands, hint=hint, **_against(generation))),
            self._told(lambda: nearest_value({}, hint=_WAITING)),
            player_value(""),
            gr.update(visible=False),
        ]

    def replaced(self, generation: Generation) -> list[Any]:
        """Another piece to compare with stands there; (scores, nearest) of what is still so."""
        return [
            self._scores(generation) if generation.settings else gr.skip(),
            self._nearest(generation) if generation.neighbours else gr.skip(),
        ]

    def compare(self, session: Session) -> Iterator[tuple[Any, Any, Any]]:
        """Say what there is to say of the pieces that are there; (scores, nearest, history)."""
        generation = session.generation
        yield gr.skip(), gr.skip(), self.remembered(session.history, generation)
        for scores in self.scores(generation):
            yield scores, gr.skip(), gr.skip()
        yield gr.skip(), gr.skip(), self.remembered(session.history, generation)
        for nearest in self.nearest(generation):
            yield gr.skip(), nearest, gr.skip()

    def remembered(self, history: History, generation: Generation) -> Any:
        """The list's value with what has come of this generation, unless it is over."""
        # The list is told once what is new, by whoever works for the latest click.
        if generation.over or not history.note(generation):
            return gr.skip()
        return self._told(lambda: history_value(history))

    def scores(self, generation: Generation) -> Iterator[Any]:
        """Score the generated pieces that are there and have no score yet; the card's value."""
        if not generation.unscored:
            return
        if not self.service.scorer.ready:
            yield self._told(lambda: scores_value({}, {}, hint=_LOADING))
        try:
            self.service.score(generation)
            if generation.over or not generation.scores:
                return
            yield self._scores(generation)
        except Exception as error:  # whatever it was, the rest of the page goes on
            message = f"There are no scores: {_fault(error)}"
            yield self._told(lambda: scores_value({}, {}, message=message))

    def nearest(self, generation: Generation) -> Iterator[Any]:
        """Look for the training music nearest to each piece; the card's value."""
        if generation.unplaced and not self.service.index.ready:
            yield self._told(lambda: nearest_value({}, hint=_LOADING))
        try:
            for _ in self.service.find_nearest(generation):
                yield self._nearest(generation)
        except Exception as error:  # whatever it was, the rest of the page goes on
            message = f"The training music cannot be searched: {_fault(error)}"
            yield self._told(lambda: nearest_value({}, message=message))

    def hear(self, session: Session, event: gr.EventData) -> Iterator[tuple[Any, Any, Any]]:
        """Make the nearest music sound; (player, piece, its column)."""
        sounds = self._heard(session.generation, event.source)
        yield from session.heard.updates(event.when, sounds, (gr.skip(),) * 3)

    def _heard(self, generation: Generation, name: str) -> Iterator[tuple[Any, Any, Any]]:
        if name not in generation.neighbours:
            yield (gr.skip(),) * 3
            return
        found, sample = generation.neighbours[name], generation.pieces[name]
        piece = neighbour_piece(name, found, sample.roll, self.service.withheld)
        piece = self.service.files.run(piece.render)
        yield piece_value(piece), piece, gr.update(visible=True)

    @property
    def _bands(self) -> dict[str, Any]:
        return self.service.scorer.get().bands if self.service.scorer.ready else {}


class CardsPanel:
    """The cards, and the player of the nearest training music in its column.

    They are laid out where this is called inside a ``gr.Blocks``.
    """

    def __init__(self) -> None:
        with gr.Column(elem_classes="prism-below"):
            self.history = HistoryList(history_value(History()))
        with gr.Column(elem_classes="prism-below"):
            self.scores = ScoreCard(scores_value({}, {}, hint=FIRST_SCORES))
            self.nearest = NearestCard(nearest_value({}, hint=FIRST_NEAREST))
        heard = ["prism-players", "prism-heard"]
        with gr.Column(visible=False, elem_classes=heard) as self.column:
            self.player = PianoRollPlayer(player_value(""), elem_classes="prism-from-corpus")
        # What `Cards.compare` gives.
        self.compared = [self.scores, self.nearest, self.history]

    def connect_hearing(self, cards: Cards, session: gr.State) -> None:
        """Let the nearest training music be heard."""
        outputs = [self.player, self.player.piece, self.column]
        heard = self.nearest.hear(cards.hear, session, outputs, **EACH, **QUIET)
        heard.then(None, None, None, js=_SHOW, api_visibility="private")
        self.player.connect_files()


def _against(generation: Generation) -> dict[str, Any]:
    """What the generated pieces are compared with, as `scores_value` takes it."""
    composers = len(generation.settings.composers) if generation.settings else 1
    return {"against": YOURS if generation.own else CORPUS_PIECE, "composers": composers}


def _fault(error: Exception) -> str:
    log_fault(logger, "cards", error)
    return fault_words(error)
