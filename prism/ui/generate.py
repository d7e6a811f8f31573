"""What happens after a click: each handler turns the controls' values into updates of the page.

A generator yields `gr.skip()` for what stays as it is. An error of Prism's is written into the
status line, where it stays readable, before it is raised for the toast and for API clients; what
was on the page before is left alone. An error of another side stays in that side's player.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.models.settings import SETTINGS, GenerationSettings
from prism.service.links import Link, query, read_query
from prism.service.sides import Side
from prism.service.studio import Progress, Studio
from prism.service.visit import Click, Visit
from prism.ui.filling import FILLED, filled, offered
from prism.ui.player import piece_value, player_value, status

logger = logging.getLogger(__name__)


class Handlers:
    """Event handlers over one `Studio`; `controls` are raw values, as for `Studio.read`.

    Parameters
    ----------
    studio : Studio
        Does the work.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def welcome(self, request: gr.Request | None = None) -> list[Any]:
        """Fill in the controls once the composers are known, from the link if one was opened.

        (composers, status, share link, the mixer's composers, *weights, *settings)
        """
        choices, link = gr.skip(), gr.skip()
        others = [gr.skip()] * (FILLED - 1)
        try:
            known = self.studio.offered
            asked = read_query(request.query_params if request else {}, known)
            chosen, *wanted = filled(asked.settings)
            info = f"{SETTINGS['composers'].help} of {len(known.composers)}"
            choices = gr.update(choices=known.composers, info=info, **chosen)
            others = wanted if asked.given else others
            attributes = offered(asked.settings, known)
            others[-len(attributes) :] = attributes
            self.studio.pipeline.get()
            said, link = _greeting(asked), share_value(run=asked.complete)
        except (ValueError, OSError) as error:
            said = status(f"Prism cannot draw: {error}", error=True)
        return [choices, said, link, *others]

    def share(self, *controls: Any) -> Any:
        """The link of what the controls hold."""
        try:
            return share_value(query(self.studio.read(*controls)))
        except (ValueError, OSError):
            # The players' handlers say what is wrong.
            return gr.skip()

    def generate(self, visit: Visit, *controls: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Draw a roll and show it on the way; (player, piece, status)."""
        click = visit.click
        if not self.studio.pipeline.ready:
            yield gr.skip(), gr.skip(), status("Loading the model, a few seconds…")
        try:
            for progress in self._fill("prism", self.studio.read(*controls), visit, click):
                said = status(progress.text) if progress.text else gr.skip()
                yield *self.shown("prism", progress), said
        except (ValueError, OSError) as error:
            yield gr.skip(), gr.skip(), status(str(error), error=True)
            raise gr.Error(str(error), print_exception=False) from error

    def real(self, visit: Visit, *controls: Any) -> Iterator[tuple[Any, Any]]:
        """Show a held-out piece by the same composers or the visitor's own; (player, piece)."""
        yield from self._beside("corpus", visit, *controls)

    def baseline(self, visit: Visit, *controls: Any) -> Iterator[tuple[Any, Any]]:
        """Let the baseline write, and show it on the way; (player, piece)."""
        yield from self._beside("amt", visit, *controls)

    def stop(self, visit: Visit, *players: dict[str, Any]) -> list[Any]:
        """Leave the players as they stand, no longer waiting for sound; (*players, status).

        Gradio cannot cancel what the server has not answered yet, so the click has to know as well.
        """
        visit.click.stopped = True
        stopped = [
            player | {"busy": False, "hint": "", "message": "Stopped before it was done."}
            if player.get("busy")
            else gr.skip()
            for player in players
        ]
        return [*stopped, status("Stopped.")]

    def _beside(self, name: str, visit: Visit, *controls: Any) -> Iterator[tuple[Any, Any]]:
        """Fill a side other than Prism's."""
        click = visit.click
        try:
            choice = self.studio.read(*controls)
        except (ValueError, OSError) as error:
            # Prism's side says it aloud.
            raise gr.Error(str(error), visible=False, print_exception=False) from error
        yield from self.beside(name, choice, visit, click)

    def beside(
        self, name: str, choice: GenerationSettings, visit: Visit, click: Click
    ) -> Iterator[tuple[Any, Any]]:
        """Fill a side other than Prism's with what was chosen; (player, piece)."""
        try:
            for progress in self._fill(name, choice, visit, click):
                yield self.shown(name, progress)
        except Exception as error:  # whatever it was, it concerns this player alone
            logger.error("%s: %s", name, error, exc_info=not isinstance(error, ValueError))
            side = self.studio.sides[name]
            message = f"There is no {side.title} sample: {error}"
            yield empty_player(side, hint=side.hint, message=message), None

    def _fill(
        self, name: str, choice: GenerationSettings, visit: Visit, click: Click
    ) -> Iterator[Progress]:
        """Fill a side for a click; ends when that is over, or another piece is wanted there.

        It ends with an item without news: a generator without items empties the player.
        """
        own = click.own if name == "corpus" else None
        if own:
            news = self.studio.compare_with(own, choice.tempo)
        else:
            kept = visit.history.kept(self.studio.sides[name], choice)
            news = self.studio.fill(name, choice, kept)
        for progress in news:
            replaced = name == "corpus" and click.own is not own
            if click.over or click.stopped or replaced:
                yield Progress()
                return
            if progress.done:
                click.pieces[name] = progress.piece
            yield progress

    def shown(self, name: str, progress: Progress) -> tuple[Any, Any]:
        """(player, piece); the piece is kept only when it is done."""
        if progress.piece is not None:
            value = piece_value(progress.piece, busy=not progress.done)
            return value, progress.piece if progress.done else gr.skip()
        if progress.text:
            return empty_player(self.studio.sides[name], hint=progress.text, busy=True), gr.skip()
        return gr.skip(), gr.skip()


def empty_player(side: Side, **texts: Any) -> dict[str, Any]:
    """The value of a side's player with nothing in it; `texts` as for `player_value`."""
    return player_value(side.title, kind=side.kind, **texts)


def share_value(link: str = "", run: bool = False) -> dict[str, Any]:
    """The value of the share link's element.

    Parameters
    ----------
    link : str
        The query to put behind the page's address; empty for none.
    run : bool
        Whether Generate should run by itself.
    """
    return {"query": link, "run": run}


def _greeting(link: Link) -> dict[str, Any]:
    if link.faults:
        said = " ".join(link.faults)
        return status(f"{said} The default stands there: press Generate.", error=True)
    if link.complete:
        return status("The link was read: its music is coming.")
    if link.given:
        return status("The link was read. Choose composers and press Generate.")
    return status("Ready. Choose composers and press Generate.")
