"""The piano-roll player and the status line."""

from __future__ import annotations

import pathlib
from typing import Any

from gradio.data_classes import FileData

from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.ui.element import Element


class PianoRollPlayer(Element):
    """Shows a roll and plays its sound.

    Its value is what `player_value` returns. Its ``picture`` event asks for the PNG file. Inside an
    element of class ``prism-together`` it obeys the page's `prism.ui.transport.Transport`.
    """

    asset = "player/player"
    parts = ("player/palette", "player/view", "player/roll")


class StatusLine(Element):
    """One line that a screen reader announces; its value is what `status` returns."""

    asset = "page/status"


def status(text: str, error: bool = False, share: float | None = None) -> dict[str, Any]:
    """A status line's value; with `share`, 0 to 1, a progress bar stands below it."""
    value = {"kind": "error" if error else "calm", "text": text}
    return value if share is None else value | {"share": share}


def file_data(path: pathlib.Path) -> dict[str, Any]:
    """A file for the browser, under its own name."""
    return FileData(path=str(path), orig_name=path.name).model_dump()


def player_value(
    title: str,
    roll: PianoRoll | None = None,
    files: dict[str, pathlib.Path] | None = None,
    **texts: Any,
) -> dict[str, Any]:
    """A player's value.

    Parameters
    ----------
    title : str
        Heading.
    roll : PianoRoll, optional
        What to draw; nothing by default.
    files : dict, optional
        Paths under ``midi``, ``wav``, ``png``; the second is also what is played.
    **texts
        ``kind`` (above the title), ``detail`` (below it), ``hint`` (in an empty player),
        ``message`` (what went wrong), ``caption`` (small print), ``busy`` (sound is on its way).
    """
    downloads = {name: file_data(path) for name, path in (files or {}).items()}
    value = {"title": title, "notes": [], "beats": 64, "tempo": 100.0, "bar": 4.0}
    if roll is not None:
        value |= {
            "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in roll.notes()],
            "beats": roll.beats,
            "tempo": roll.tempo,
            "bar": roll.bar_frames / FRAMES_PER_BEAT,
        }
    return value | {"downloads": downloads} | texts
