"""The visitor's own MIDI file in the place of the corpus's piece: its panel and what it does."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import gradio as gr

from prism.service.upload import MAX_BEATS, MAX_BYTES, MAX_NOTES, OwnPiece, UploadError, read_upload
from prism.service.visit import Visit
from prism.ui.element import Element
from prism.ui.generate import Handlers, empty_player

_LIMITS = (
    f"Up to {MAX_BYTES // 1024} KB, {MAX_NOTES:,} notes and {MAX_BEATS:,} beats. It takes the "
    "corpus piece's place: 64 beats of it are shown, and the generated pieces are scored against "
    "it. What AMT starts from stays the corpus's. The file stays in this visit: a link to a result "
    "does not carry it."
)


class UploadPanel(Element):
    """Lets a visitor choose a file; its value is what `upload_value` returns.

    Its ``chosen`` event carries the file's ``label`` and its ``content`` in base64, ``moved`` the
    ``bar`` to start at; ``removed`` asks for the corpus's piece again.
    """

    asset = "page/upload"


def upload_value(own: OwnPiece | None = None, message: str = "", said: str = "") -> dict[str, Any]:
    """The panel's value.

    Parameters
    ----------
    own : OwnPiece, optional
        What stands in for the corpus's piece.
    message, said : str
        What went wrong; what was done.
    """
    return {
        "name": own.piece.title if own else "",
        "bar": own.bar if own else 1,
        "bars": len(own.bars) if own else 1,
        "limits": _LIMITS,
        "bytes": MAX_BYTES,
        "message": message,
        "said": said,
        # The page hears of changes alone, and the same complaint twice should be seen twice.
        "when": time.monotonic(),
    }


class Reference:
    """Event handlers of the panel; each ends with (panel, corpus player, its piece).

    Parameters
    ----------
    handlers : Handlers
        Fills the corpus's side.
    """

    def __init__(self, handlers: Handlers) -> None:
        self._handlers = handlers

    def chosen(self, visit: Visit, event: gr.EventData) -> Iterator[tuple[Any, Any, Any]]:
        """Take a file; one that cannot be used leaves everything as it was."""
        try:
            own = read_upload(event.label, event.content)
        except UploadError as error:
            yield upload_value(visit.own, message=str(error)), gr.skip(), gr.skip()
            return
        said = f"{own.piece.title}: {len(own.piece.notes):,} notes in {len(own.bars):,} bars."
        yield from self._shown(visit, own, said)

    def moved(self, visit: Visit, event: gr.EventData) -> Iterator[tuple[Any, Any, Any]]:
        """Start at another bar."""
        if visit.own is None:
            yield gr.skip(), gr.skip(), gr.skip()
            return
        try:
            own = visit.own.at(event.bar)
        except UploadError as error:
            yield upload_value(visit.own, message=str(error)), gr.skip(), gr.skip()
            return
        yield from self._shown(visit, own, f"From bar {own.bar} on.")

    def removed(self, visit: Visit) -> Iterator[tuple[Any, Any, Any]]:
        """Forget the file and show the corpus's piece of the latest click again."""
        click = visit.compare_with(None)
        panel = upload_value(said="Your file is forgotten. The corpus's piece is back.")
        side = self._handlers.studio.sides["corpus"]
        yield panel, empty_player(side, hint=side.hint), None
        if click.choice:
            for player, piece in self._handlers.beside("corpus", click.choice, visit, click):
                yield gr.skip(), player, piece

    def current(self, visit: Visit) -> dict[str, Any]:
        """The panel's value as things stand."""
        return upload_value(visit.own)

    def _shown(self, visit: Visit, own: OwnPiece, said: str) -> Iterator[tuple[Any, Any, Any]]:
        click = visit.compare_with(own)
        tempo = click.choice.tempo if click.choice else None
        # Said once: by the time the sound is there, another file may have been complained about.
        panel = upload_value(own, said=said)
        for progress in self._handlers.studio.compare_with(own, tempo):
            if click.over or click.own is not own:
                yield panel, gr.skip(), gr.skip()
                return
            if progress.done:
                click.pieces["corpus"] = progress.piece
            yield panel, *self._handlers.shown("corpus", progress)
            panel = gr.skip()
