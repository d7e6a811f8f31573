"""Bars of Prism's piece drawn anew from the page, with undo and redo through all versions."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np

from prism.models.edits import Edit
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.music.roll import FRAMES_PER_BEAT, PianoRoll
from prism.service.session import Session
from prism.ui.element import Element


class RedrawBar(Element):
    """Asks for the bars that the transport loops to be redrawn; its value is `redraw_value`.

    Its ``edit`` event carries the ``kind``: ``draw`` with a ``seed`` and ``start`` and ``end`` in
    beats, ``undo`` or ``redo``.
    """

    asset = "page/redraw"


def redraw_value(session: Session) -> dict[str, Any]:
    """Which edits the latest generation has, and whether there are some to undo and redo."""
    settings = session.generation.settings
    edits = settings.edits if settings else ()
    told = ", ".join(f"bars {edit}".replace(":", " from seed ") for edit in edits)
    return {"edits": told, "undo": bool(edits), "redo": bool(session.undone)}


def edited(session: Session, event: gr.EventData) -> GenerationSettings:
    """The settings of the next version; raises `SettingError` where there is none."""
    settings, piece = session.generation.settings, session.generation.pieces.get("prism")
    if settings is None or piece is None:
        raise SettingError("redraw", "a piece of Prism's: press Generate and wait for it", None)
    edits = settings.edits
    if event.kind == "draw":
        bars = touched_bars(piece.roll, event.start, event.end)
        session.furthest = settings.with_edits([*edits, Edit(*bars, event.seed)])
        return session.furthest
    if event.kind == "undo":
        if not session.undone:
            session.furthest = settings
        return settings.with_edits(edits[:-1])
    return settings.with_edits([*edits, *session.undone[:1]])


def touched_bars(roll: PianoRoll, start: float, end: float) -> tuple[int, int]:
    """The first and the last bar, counted from 1, that sound between two beats."""
    frames = np.clip(np.array([start, end]) * FRAMES_PER_BEAT, 0, roll.frames)
    first = np.searchsorted(roll.bar_starts, frames[0], side="right")
    last = np.searchsorted(roll.bar_starts, frames[1], side="left")
    return int(first), int(max(first, last))
