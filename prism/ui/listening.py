"""Blind listening: three lanes without names, two questions, then the answer."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.evaluation.report import NETWORK_NAMES
from prism.service.listening import PERSON, QUESTIONS, REAL, Ballot, Listening, Round, tally_words
from prism.service.log import fault_words, log_fault
from prism.service.piece import ShownPiece
from prism.service.scheduler import Priority
from prism.service.service import Service
from prism.ui.element import QUIET
from prism.ui.player import PianoRollPlayer, piece_value, player_value

logger = logging.getLogger(__name__)

_LANES = ("1", "2", "3")
_INTRODUCTION = """## Listen blind
One of three pieces was written by a person. All are equally loud and at one tempo. No answer is
told before you vote; of a vote nothing about you is kept. [Back to the page](?)"""
_OVER = "That was the last set. Reload the page to hear them again in another order."
_HIDE = """(hidden) => document.querySelector('.prism-listening')
    .classList.toggle('prism-rolls-hidden', hidden)"""


class BlindListening:
    """Event handlers; each gives (what is said, choice, answer button, next button, *players).

    Parameters
    ----------
    service : Service
        Scores the pieces.
    ballot : Ballot, optional
        Where votes are kept, if they are.
    """

    def __init__(self, service: Service, ballot: Ballot | None = None) -> None:
        self.service = service
        self.ballot = ballot

    def begin(self, listening: Listening) -> Iterator[tuple]:
        """Another round."""
        if withheld := self.service.withheld:
            yield (withheld, *_asking(False), gr.update(visible=False), *_skipped())
            return
        yield ("Making the sound…", *_asking(False), gr.update(visible=False), *_skipped())
        try:
            begun = self.service.files.run(listening.next_round, priority=Priority.GENERATE)
        except Exception as error:  # whatever it was, the visitor is told
            log_fault(logger, "listening", error)
            yield (fault_words(error), *_asking(False), gr.update(visible=True), *_skipped())
            return
        if begun is None:
            yield (_OVER, *_asking(False), gr.update(visible=False), *_skipped())
            return
        question = f"### {QUESTIONS[begun.question]}"
        yield (question, *_asking(True), gr.update(visible=False), *_values(begun.lanes))

    def answer(self, listening: Listening, choice: str | None) -> Iterator[tuple]:
        """Take the answer to the question that stands there; after the last the names come."""
        now = listening.round
        if now is None or now.question is None:
            yield (gr.skip(),) * (4 + len(_LANES))
            return
        if choice not in _LANES:
            question = f"### {QUESTIONS[now.question]} Choose 1, 2 or 3 first."
            yield (question, *(gr.skip(),) * 3, *_skipped())
            return
        vote = now.answer(now.question, int(choice))
        listening.votes.append(vote)
        if self.ballot is not None:
            self.ballot.add(vote)
        if now.question is not None:
            question = f"### {QUESTIONS[now.question]}"
            yield (question, *_asking(True), gr.skip(), *_skipped())
            return
        said = self._told(listening, now, {})
        yield (said, *_asking(False), gr.update(visible=True), *_coloured(now.revealed()))
        # The names need not wait for the networks.
        said = self._told(listening, now, self._scores(now))
        yield (said, *(gr.skip(),) * 3, *_skipped())

    def _scores(self, now: Round) -> dict[str, str]:
        """Each generated piece's cosines in words; empty if the networks are missing."""
        try:
            found = self.service.scores(now.pieces)
        except Exception as error:  # the names are there without
            log_fault(logger, "listening", error)
            return {}
        return {
            name: ", ".join(f"{s.cosine:.2f} ({NETWORK_NAMES[s.network]})" for s in scores)
            for name, scores in found.items()
        }

    def _told(self, listening: Listening, now: Round, scores: dict[str, str]) -> str:
        """The answer, the scores, this visitor's tally and the others'."""
        titles = {name: source.title for name, source in self.service.sources.items()}
        lines = [
            f"- **{number}: {titles[name]}.** {_named(piece, titles[name])}."
            + (f" Like the real piece: {scores[name]}." if name in scores else "")
            for number, (name, piece) in enumerate(now.pieces.items(), 1)
        ]
        right = now.answers[PERSON] == REAL
        real = list(now.pieces).index(REAL) + 1
        head = f"### {'Right' if right else 'No'}: a person wrote number {real}"
        parts = [head, "\n".join(lines), "**You so far**", tally_words(listening.votes)]
        if self.ballot is not None:
            same = [vote for vote in self.ballot.votes() if vote.music == now.music]
            parts += ["**Everybody, of these pieces**", tally_words(same)]
        return "\n\n".join(parts)


def _named(piece: ShownPiece, source: str) -> str:
    return piece.detail if piece.title == source else f"{piece.title}: {piece.detail}"


def _asking(asked: bool) -> tuple[Any, Any]:
    return gr.update(visible=asked, value=None), gr.update(visible=asked)


def _skipped() -> tuple:
    return (gr.skip(),) * len(_LANES)


def _values(lanes: list[ShownPiece]) -> list[dict[str, Any]]:
    # The small print would say which has dynamics.
    return [piece_value(lane) | {"caption": ""} for lane in lanes]


def _coloured(lanes: list[ShownPiece]) -> list[dict[str, Any]]:
    values = zip(_values(lanes), lanes, strict=True)
    return [value | {"source": lane.source} for value, lane in values]


def listening_panel(handlers: BlindListening) -> None:
    """Lay out the panel, seen in the mode alone; call inside a ``gr.Blocks``."""
    listening = gr.State(Listening(handlers.service.stored.examples))
    with gr.Column(elem_classes="prism-listening"):
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        said = gr.Markdown("")
        with gr.Row():
            choice = gr.Radio(_LANES, show_label=False, visible=False, min_width=260)
            hide = gr.Checkbox(label="Hide the rolls", visible=False, min_width=150, scale=0)
            answer = gr.Button("Answer", variant="primary", visible=False, scale=0)
        following = gr.Button("Begin", variant="primary")
        with gr.Column(visible=False) as column:
            players = [PianoRollPlayer(player_value(number)) for number in _LANES]
    outputs = [said, choice, answer, following, *players]
    begun = following.click(handlers.begin, listening, outputs, **QUIET)
    seen = gr.update(visible=True)
    begun.then(lambda: (seen, seen, "Next round"), None, [column, hide, following], **QUIET)
    answer.click(handlers.answer, [listening, choice], outputs, **QUIET)
    hide.change(None, hide, None, js=_HIDE, api_visibility="private")
