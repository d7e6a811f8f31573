"""The endpoints for programs: plain values in, plain values and files out; see docs/api.md.

Conventions
-----------
arguments
    ``weights`` has one number a composer, 0 to 100, equal by default; ``tempo`` is in quarter notes
    a minute, 0 for the music's own; ``metre``, ``key`` and the following are empty for as it comes;
    all others are those of the page's controls.
piece
    A dictionary with ``kind``, ``title``, ``detail`` and ``caption`` (words), ``notes`` (a list of
    [pitch, start, duration, velocity]: MIDI pitch, beats, beats, 1 to 127), ``beats``, ``tempo``,
    ``time_signature`` ([beats, unit]), ``files`` (``midi``, ``wav`` and others) and ``message``
    (empty, or what is missing and why).
progress
    What takes a while sends what there is on the way, with ``done`` false, and ends with ``done``
    true. It can be cancelled between two of its answers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.service.choice import Choice
from prism.service.piece import ShownPiece
from prism.service.sharing import USUAL
from prism.service.studio import Studio
from prism.ui.player import file_data

Answer = dict[str, Any]
_EQUAL = 50.0


class Api:
    """The endpoints over one `Studio`.

    Parameters
    ----------
    studio : Studio
        Does the work.
    """

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    def publish(self) -> None:
        """Add the endpoints to the page; call inside a ``gr.Blocks``."""
        gr.api(self.composers, api_name="composers", queue=False)
        for endpoint, line, limit in (
            (self.generate, "prism", 1),
            (self.corpus, "corpus", 2),
            (self.amt, "amt", 1),
            (self.compare, "compare", 1),
            (self.score, "compare", 1),
        ):
            # In one line with the page's event of that kind.
            gr.api(
                endpoint,
                api_name=endpoint.__name__,
                concurrency_limit=limit,
                concurrency_id=line,
            )

    def composers(self) -> list[str]:
        """List the composers and kinds of tunes that the model has learned."""
        try:
            return self.studio.composers
        except (ValueError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    def generate(
        self,
        composers: list[str],
        weights: list[float] | None = None,
        guidance_scale: float = 2.0,
        seed: int = 0,
        num_inference_steps: int = 16,
        tempo: float = 0,
        structure_scale: float = USUAL.structure_scale,
        metre: str = "",
        key: str = "",
        density: str = "",
        register: str = "",
        character: str = "",
        repetition: str = "",
        collection: str = "",
    ) -> Iterator[Answer]:
        """Draw 64 beats with Prism's model; a piece, clearer with every answer."""
        start = USUAL.amt_start
        controls = (guidance_scale, seed, num_inference_steps, tempo, start, structure_scale)
        wishes = (metre, key, density, register, character, repetition, collection)
        yield from self._piece("prism", composers, weights, *controls, *wishes)

    def corpus(self, composers: list[str], seed: int = 0, tempo: float = 0) -> Iterator[Answer]:
        """Look up 64 beats of a held-out piece by one of the composers; a piece."""
        yield from self._piece("corpus", composers, None, seed=seed, tempo=tempo)

    def amt(
        self,
        composers: list[str],
        weights: list[float] | None = None,
        guidance_scale: float = 2.0,
        seed: int = 0,
        num_inference_steps: int = 16,
        tempo: float = 0,
        amt_start: str = "opening",
        structure_scale: float = USUAL.structure_scale,
        metre: str = "",
        key: str = "",
        density: str = "",
        register: str = "",
        character: str = "",
        repetition: str = "",
        collection: str = "",
    ) -> Iterator[Answer]:
        """Let the baseline write; a piece that grows. amt_start: opening, nothing or melody."""
        controls = (guidance_scale, seed, num_inference_steps, tempo, amt_start, structure_scale)
        wishes = (metre, key, density, register, character, repetition, collection)
        yield from self._piece("amt", composers, weights, *controls, *wishes)

    def compare(
        self,
        composers: list[str],
        weights: list[float] | None = None,
        guidance_scale: float = 2.0,
        seed: int = 0,
        num_inference_steps: int = 16,
        tempo: float = 0,
        amt_start: str = "opening",
        structure_scale: float = USUAL.structure_scale,
        metre: str = "",
        key: str = "",
        density: str = "",
        register: str = "",
        character: str = "",
        repetition: str = "",
        collection: str = "",
    ) -> Iterator[Answer]:
        """Give what a click on the page gives: prism, corpus, amt (pieces) and scores."""
        controls = (guidance_scale, seed, num_inference_steps, tempo, amt_start, structure_scale)
        wishes = (metre, key, density, register, character, repetition, collection)
        yield from self._compared(composers, weights, *controls, *wishes)

    def score(
        self,
        composers: list[str],
        weights: list[float] | None = None,
        guidance_scale: float = 2.0,
        seed: int = 0,
        num_inference_steps: int = 16,
        tempo: float = 0,
        amt_start: str = "opening",
        structure_scale: float = USUAL.structure_scale,
        metre: str = "",
        key: str = "",
        density: str = "",
        register: str = "",
        character: str = "",
        repetition: str = "",
        collection: str = "",
    ) -> Iterator[Answer]:
        """Compare Prism's and the baseline's piece with the held-out one.

        Under prism and amt: for each network its name, the cosine (1 for the same), and words for
        what such a cosine is like.
        """
        controls = (guidance_scale, seed, num_inference_steps, tempo, amt_start, structure_scale)
        wishes = (metre, key, density, register, character, repetition, collection)
        for answer in self._compared(composers, weights, *controls, *wishes):
            yield {"done": answer["done"]} | answer.get("scores", {})

    def _choice(
        self, composers: list[str], weights: list[float] | None, *controls: Any, **settings: Any
    ) -> Choice:
        count = 1 if isinstance(composers, str) else len(composers or ())
        if weights is not None and len(weights) != count:
            raise ValueError(
                f"{len(weights)} weights are given for {count} composers: give one a composer, or "
                "none for equal ones."
            )
        shares = [_EQUAL] * count if weights is None else weights
        return self.studio.choice(composers, shares, *controls, **settings)

    def _piece(self, side: str, *controls: Any, **settings: Any) -> Iterator[Answer]:
        try:
            for progress in self.studio.fill(side, self._choice(*controls, **settings)):
                yield _told(progress.piece, progress.done)
        except (ValueError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _compared(self, *controls: Any) -> Iterator[Answer]:
        try:
            choice, pieces = self._choice(*controls), {}
            for side in self.studio.sides:
                for progress in self.studio.fill(side, choice):
                    pieces[side] = progress.piece
                    yield {"done": False}
            yield {
                "done": True,
                **{side: _told(piece, True) for side, piece in pieces.items()},
                "scores": self._scores({side: piece.roll for side, piece in pieces.items()}),
            }
        except (ValueError, OSError) as error:
            raise gr.Error(str(error), print_exception=False) from error

    def _scores(self, rolls: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        judge = self.studio.judge.get()
        generated = {side: roll for side, roll in rolls.items() if side != "corpus"}
        scores = self.studio.models.run(judge.scores, rolls["corpus"], generated)
        return {side: [dataclasses.asdict(s) for s in found] for side, found in scores.items()}


def _told(piece: ShownPiece | None, done: bool) -> Answer:
    """A piece as the conventions above have it; without notes while there is none."""
    if piece is None:
        return {"done": done, "notes": []}
    roll = piece.roll
    return {
        "done": done,
        **{word: getattr(piece, word) for word in ("kind", "title", "detail", "caption")},
        "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in roll.notes()],
        "beats": roll.beats,
        "tempo": roll.tempo,
        "time_signature": list(roll.time_signature),
        "files": {name: file_data(path) for name, path in piece.files.items()} if done else {},
        "message": piece.message,
    }
