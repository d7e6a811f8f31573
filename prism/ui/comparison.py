"""What stands below the players, and what connects it to them."""

from __future__ import annotations

import dataclasses

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from prism.ui.judging import FIRST_NEAREST, FIRST_SCORES, Judging
from prism.ui.originality import NearestCard, nearest_value
from prism.ui.player import PianoRollPlayer, player_value
from prism.ui.scores import ScoreCard, scores_value

_SHOW = "() => document.querySelector('.prism-heard')?.scrollIntoView({ block: 'nearest' })"
_QUIET = {"api_visibility": "private", "show_progress": "hidden"}


@dataclasses.dataclass(frozen=True)
class Comparison:
    """The cards, and the player of the nearest training music in its column."""

    scores: ScoreCard
    nearest: NearestCard
    player: PianoRollPlayer
    piece: gr.State
    column: gr.Column

    @property
    def outputs(self) -> list[Component | gr.Column]:
        """What a new click changes, as `Judging.clicked` gives it."""
        return [self.scores, self.nearest, self.player, self.column]


def comparison_panel() -> Comparison:
    """Lay out the cards; call inside a ``gr.Blocks``."""
    with gr.Column(elem_classes="prism-below"):
        scores = ScoreCard(scores_value({}, {}, hint=FIRST_SCORES))
        nearest = NearestCard(nearest_value({}, hint=FIRST_NEAREST))
    with gr.Column(visible=False, elem_classes=["prism-players", "prism-heard"]) as column:
        heard = PianoRollPlayer(player_value(""))
    return Comparison(scores, nearest, heard, gr.State(None), column)


def connect_comparison(
    below: Comparison, judging: Judging, visit: gr.State, fills: list[Dependency]
) -> list[Dependency]:
    """Fill the cards after each of the players, and the fourth player when it is asked for.

    Returns the events after which there may be new scores.
    """
    events = []
    for fill in fills:
        # After a fill, and not when a piece changes: the same piece again is no change. One visitor
        # after the other, so that two runs for one visitor do not both do the same work.
        scored = fill.then(
            judging.scores,
            visit,
            below.scores,
            trigger_mode="always_last",
            concurrency_id="scores",
            concurrency_limit=1,
            **_QUIET,
        )
        events.append(scored)
        scored.then(
            judging.nearest,
            visit,
            below.nearest,
            trigger_mode="always_last",
            concurrency_id="nearest",
            concurrency_limit=1,
            **_QUIET,
        )
    below.nearest.hear(
        judging.hear, visit, [below.player, below.piece, below.column], **_QUIET
    ).then(None, None, None, js=_SHOW, api_visibility="private")
    return events
