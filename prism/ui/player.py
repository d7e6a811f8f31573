"""The piano-roll player and the status line: our own elements, fed with data.

Their templates never change, so that canvas, sound and focus survive every update; all text
travels as data and is put in place as text, never as markup.
"""

from __future__ import annotations

import pathlib
from typing import Any

import gradio as gr
from gradio.data_classes import FileData

from prism.music import FRAMES_PER_BEAT, PianoRoll

ASSETS = pathlib.Path(__file__).resolve().parents[2] / "assets"


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


class PianoRollPlayer(gr.HTML):
    """Shows a roll and plays its sound.

    Its value is what `player_value` returns. Its ``picture`` event asks for the PNG file.

    Parameters
    ----------
    value : dict
        What to show at first.
    **settings
        Passed on to ``gr.HTML``.
    """

    def __init__(self, value: dict[str, Any] | None = None, **settings: Any) -> None:
        super().__init__(
            value=value,
            html_template=_asset("player/player.html"),
            css_template=_asset("player/player.css"),
            js_on_load=_asset("player/player.js"),
            apply_default_css=False,
            **settings,
        )

    def postprocess(self, value: dict[str, Any] | None) -> dict[str, Any] | None:
        """The value as it is; it is data, not HTML."""
        return value

    def api_info(self) -> dict[str, Any]:
        """A JSON object."""
        return {"type": "object"}


class StatusLine(gr.HTML):
    """One line that a screen reader announces; its value is what `status` returns."""

    def __init__(self, value: dict[str, str] | None = None, **settings: Any) -> None:
        super().__init__(
            value=value,
            html_template=_asset("page/status.html"),
            css_template=_asset("page/status.css"),
            js_on_load=_asset("page/status.js"),
            apply_default_css=False,
            **settings,
        )

    def postprocess(self, value: dict[str, str] | None) -> dict[str, str] | None:
        """The value as it is; it is data, not HTML."""
        return value

    def api_info(self) -> dict[str, Any]:
        """A JSON object."""
        return {"type": "object"}


def status(text: str, error: bool = False) -> dict[str, str]:
    """A status line's value."""
    return {"kind": "error" if error else "calm", "text": text}


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
