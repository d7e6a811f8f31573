"""What happens after a click: each handler turns the controls' values into updates of the page.

A generator yields `gr.skip()` for what stays as it is. An error is written into the status line,
where it stays readable, before it is raised for the toast and for API clients; what was on the
page before is left alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.ui.choice import Choice, read_choice
from prism.ui.piece import ShownPiece
from prism.ui.player import player_value, status
from prism.ui.studio import Studio

logger = logging.getLogger(__name__)
PRISM_HINT = "Choose a composer, press Generate, and watch it being drawn."
CORPUS_HINT = "A real piece appears here."


class Handlers:
    """Event handlers over one `Studio`.

    Parameters
    ----------
    studio : Studio
        Does the work.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def welcome(self) -> tuple[Any, dict[str, str]]:
        """Fill in the composers once they are known; (composers, status)."""
        choices = gr.skip()
        try:
            names = self.studio.composers
            choices = gr.update(choices=names, value=names[:1], info=f"one to four of {len(names)}")
            self.studio.pipeline.get()
        except (ValueError, OSError) as error:
            return choices, status(f"Prism cannot draw: {error}", error=True)
        return choices, status("Ready. Choose composers and press Generate.")

    def generate(
        self,
        composers: list[str],
        weight_1: float = 50,
        weight_2: float = 50,
        weight_3: float = 50,
        weight_4: float = 50,
        guidance_scale: float = 2.0,
        seed: int = 0,
        num_inference_steps: int = 16,
        tempo: float | None = None,
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Draw a roll and show it on the way; (player, piece, status)."""
        if not self.studio.pipeline.ready:
            yield gr.skip(), gr.skip(), status("Loading the model, a few seconds…")
        weights = [weight_1, weight_2, weight_3, weight_4]
        try:
            choice = self._choice(
                composers, weights, guidance_scale, seed, num_inference_steps, tempo
            )
            yield from self._drawing(choice)
        except (ValueError, OSError) as error:
            yield gr.skip(), gr.skip(), status(str(error), error=True)
            raise gr.Error(str(error), print_exception=False) from error

    def real(
        self,
        composers: list[str],
        weight_1: float = 50,
        weight_2: float = 50,
        weight_3: float = 50,
        weight_4: float = 50,
        seed: int = 0,
        tempo: float | None = None,
    ) -> Iterator[tuple[Any, Any]]:
        """Show a held-out piece by the same composers; (player, piece)."""
        weights = [weight_1, weight_2, weight_3, weight_4]
        try:
            choice = self._choice(composers, weights, 1.0, seed, 16, tempo)
        except (ValueError, OSError) as error:
            # The other side says it aloud.
            raise gr.Error(str(error), visible=False, print_exception=False) from error
        try:
            yield from self._looking_up(choice)
        except (ValueError, OSError) as error:
            message = f"There is no corpus sample: {error}"
            yield player_value("Corpus", kind="Real", hint=CORPUS_HINT, message=message), None

    def stop(self, *players: dict[str, Any]) -> list[Any]:
        """Leave the players as they stand, no longer waiting for sound; (*players, status)."""
        stopped = [
            player | {"busy": False, "message": "Stopped before it was done."}
            if player.get("busy")
            else gr.skip()
            for player in players
        ]
        return [*stopped, status("Stopped.")]

    def picture(self, piece: ShownPiece | None) -> Any:
        """The player's value with the PNG file added."""
        return gr.skip() if piece is None else piece.draw().value()

    def _choice(
        self,
        composers: list[str],
        weights: list[float],
        guidance_scale: float,
        seed: float,
        num_inference_steps: float,
        tempo: float | None,
    ) -> Choice:
        return read_choice(
            composers,
            weights,
            guidance_scale,
            seed,
            num_inference_steps,
            tempo,
            known=self.studio.composers,
        )

    def _drawing(self, choice: Choice) -> Iterator[tuple[Any, Any, Any]]:
        piece = self.studio.recent("prism", choice)
        if piece is not None:
            yield piece.value(), piece, status("The same choice gives the same piece: here it is.")
            return
        steps = choice.num_inference_steps
        for step, roll in self.studio.previews(choice):
            piece = self.studio.drawn(choice, roll)
            yield piece.value(busy=True), gr.skip(), status(f"Drawing: step {step} of {steps}")
        self.studio.finish("prism", choice, piece)
        count = len(piece.roll.notes())
        yield piece.value(), piece, status(f"Done: {count} notes. Press play.")

    def _looking_up(self, choice: Choice) -> Iterator[tuple[Any, Any]]:
        piece = self.studio.recent("corpus", choice)
        if piece is None:
            piece = self.studio.real(choice)
            yield piece.value(busy=True), gr.skip()
            self.studio.finish("corpus", choice, piece)
        yield piece.value(), piece
