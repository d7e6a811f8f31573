"""The piano-roll player, the transport that plays several as one, and the status line."""

from __future__ import annotations

import pathlib
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from prism.drawing.engraving import EngravingError
from prism.models.settings import SETTINGS
from prism.music.performance import shaping_words
from prism.service.piece import ShownPiece, drawing
from prism.ui.element import QUIET, Element

# Drawing takes a core for a second: one picture at a time for all visitors.
DRAWING = {"concurrency_id": "drawing", "concurrency_limit": 1}


class PianoRollPlayer(Element):
    """Shows a roll and plays its sound; its value is `player_value` or `piece_value`.

    Its ``picture`` event asks for a file of some ``kind`` that is made only then; ``onward`` asks
    for music that goes on from it, see `prism.ui.redrawing`. Inside an element of class
    ``prism-together`` it follows the page's `Transport`. Its `piece` is what it shows, kept for
    this visitor alone.
    """

    asset = "player/player"
    parts = ("player/palette", "player/view", "player/roll")

    def __init__(self, value: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(value, **settings)
        self.piece = gr.State(None)

    def connect_files(self) -> None:
        """Make a file of the piece when a visitor asks for it."""
        self.picture(with_file, self.piece, self, **DRAWING, **QUIET)


class Transport(Element):
    """Plays the players inside the element of class ``prism-together`` as one, and has the legend.

    All of them run at the same beat and one is heard; a ruler and a playhead are common to them.
    Its value is the instrument that they are heard on, which its ``input`` event says is another.

    Parameters
    ----------
    sources : list of dict
        Each player's ``name`` and ``title``.
    **settings
        As `gr.HTML` takes them.
    """

    asset = "page/transport"
    parts = ("player/palette", "player/view", "player/roll", "player/ruler", "player/ensemble")

    def __init__(self, sources: list[dict[str, str]], **settings: Any) -> None:
        instrument = SETTINGS["instrument"]
        choices = list(instrument.choices.items())
        super().__init__(instrument.default, sources=sources, instruments=choices, **settings)


class StatusLine(Element):
    """One line that a screen reader announces; its value is what `status` returns."""

    asset = "page/status"


def status(
    text: str,
    error: bool = False,
    share: float | None = None,
    step: bool = False,
    loading: bool = False,
) -> dict[str, Any]:
    """A status line's value; with `share`, 0 to 1, a progress bar stands below it.

    Of the lines that are a `step` of one another, a screen reader is told the first alone. With a
    step, or while something is `loading`, the line says of itself that it is busy.
    """
    value = {"kind": "error" if error else "calm", "text": text}
    extra = {"share": share, "step": step or None, "loading": loading or None}
    return value | {name: given for name, given in extra.items() if given is not None}


def file_data(path: pathlib.Path) -> dict[str, Any]:
    """A file for the browser, under its own name."""
    return FileData(path=str(path), orig_name=path.name).model_dump()


def player_value(title: str, **texts: str) -> dict[str, Any]:
    """An empty player's value.

    Parameters
    ----------
    title : str
        Heading.
    **texts
        ``kind`` (above the title), ``detail`` (below it), ``hint`` (in an empty player),
        ``message`` (what went wrong), ``caption`` (small print).
    """
    bars = list(range(0, 64, 4))
    music = {"notes": [], "beats": 64, "tempo": 100.0, "bar": 4.0, "bars": bars, "downloads": {}}
    return {"title": title, **music, **texts}


def piece_value(piece: ShownPiece, busy: bool = False) -> dict[str, Any]:
    """The value of a player with a piece; `busy` while the sound is on its way."""
    roll = piece.seen
    # Not while busy: it would come and go with every step.
    shaping = "" if busy else shaping_words(roll)
    return {
        "kind": piece.kind,
        "title": piece.title,
        "detail": piece.detail,
        "caption": f"{piece.caption} {shaping}".strip(),
        "message": piece.message,
        "busy": busy,
        **drawing(roll),
        "tempo": roll.tempo,
        "downloads": {name: file_data(path) for name, path in piece.files.items()},
    }


def with_file(piece: ShownPiece | None, event: gr.EventData) -> Any:
    """The player's value with a ``png``, ``musicxml`` or ``score`` file added, or what it lacks."""
    if piece is None:
        return gr.skip()
    made = {"png": piece.draw, "musicxml": piece.notate, "score": piece.engrave}
    try:
        return piece_value(made[event.kind]())
    except EngravingError as error:
        return piece_value(piece) | {"message": str(error)}
