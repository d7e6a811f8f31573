"""Versions of Prism's piece: bars drawn anew, or kept from any lane, with undo and redo."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import gradio as gr
import numpy as np

from prism.models.edits import AMT, BY, PRISM, REAL, YOURS, Edit, Kept, bars_text
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.music.roll import BEATS, FRAMES_PER_BEAT, PianoRoll
from prism.music.windows import bars_until
from prism.service.session import Generation, Session
from prism.ui.element import Element

_WAIT = "press Generate and wait for it"
_REDRAWN_BEATS = BEATS // 2  # at once, where AMT writes what Prism went on to


class RedrawBar(Element):
    """Asks for the bars that the transport loops to be redrawn; its value is `redraw_value`.

    Its ``edit`` event carries the ``kind``: ``draw`` with a ``seed``, ``by`` (see
    `prism.models.edits`), and ``start`` and ``end`` in beats; ``undo`` or ``redo``. A lane's
    ``onward`` event has the kind ``keep``, with ``seed``, ``by``, the ``lane``, the ``parts`` that
    are kept, (start, end) in beats, and how many ``beats`` there shall be.
    """

    asset = "page/redraw"


def redraw_value(session: Session) -> dict[str, Any]:
    """Which edits the latest generation has, and whether there are some to undo and redo."""
    settings = session.generation.settings
    edits = settings.edits if settings else ()
    told = ", ".join(
        f"bars {bars_text(edit.first, edit.last)} from seed {edit.seed}"
        + ("" if edit.by == PRISM else f" by {BY[edit.by]}")
        for edit in edits
    )
    place, versions = session.trail
    return {"edits": told, "undo": place > 0, "redo": place < len(versions) - 1}


def edited(session: Session, event: gr.EventData) -> GenerationSettings:
    """The settings of the next version; raises `SettingError` where there is none."""
    generation, (place, versions) = session.generation, session.trail
    settings, piece = generation.settings, generation.pieces.get("prism")
    if event.kind == "keep":
        wanted = kept_on(generation, event)
    elif settings is None or piece is None:
        raise SettingError("redraw", f"a piece of Prism's: {_WAIT}", None)
    elif event.kind == "draw":
        bars = touched_bars(piece.roll, event.start, event.end)
        wanted = settings.with_edits([*settings.edits, Edit(*bars, event.seed, event.by)])
    else:
        session.versions = versions
        return versions[max(0, place - 1) if event.kind == "undo" else place + 1]
    session.versions = [*versions[: place + 1], wanted]
    return wanted


def kept_on(generation: Generation, event: gr.EventData) -> GenerationSettings:
    """What goes on from a lane's bars."""
    settings, piece = generation.settings, generation.pieces.get(event.lane)
    if settings is None or piece is None:
        raise SettingError("keep", f"a lane with a piece: {_WAIT}", None)
    parts = tuple(touched_bars(piece.roll, *part) for part in event.parts)
    # The kept bars have a metre.
    settings = dataclasses.replace(settings, time_signature=None)
    if event.lane == "prism":
        return _further(settings, piece.roll, parts, event)
    source = AMT if event.lane == "amt" else YOURS if generation.own else REAL
    if source == AMT and settings.amt_start == "melody" and settings != settings.single:
        expected = "an AMT that accompanies Prism's first version: undo the others"
        raise SettingError("keep", expected, "AMT")
    file = generation.own.token if source == YOURS else ""
    kept = Kept(source, parts, event.seed, event.by, file)
    return dataclasses.replace(settings.single, keep=str(kept), beats=event.beats)


def _further(
    settings: GenerationSettings,
    roll: PianoRoll,
    parts: Sequence[tuple[int, int]],
    event: gr.EventData,
) -> GenerationSettings:
    """Prism's own piece: all other bars are redrawn, and it goes on where it shall be longer."""
    beats = max(settings.beats, event.beats)
    starts = bars_until(roll, beats * FRAMES_PER_BEAT)
    count = len(roll.bar_starts)
    edges = [0, *(bar for part in parts for bar in (part[0] - 1, part[1])), count]
    others = [(a + 1, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if a < b]
    if event.by != PRISM:  # who goes on is Prism: what it adds is redrawn as well
        each = max(1, _REDRAWN_BEATS * FRAMES_PER_BEAT // roll.bar_frames)
        last = len(starts)
        others += [(a, min(a + each - 1, last)) for a in range(count + 1, last + 1, each)]
    if not others and beats == settings.beats:
        raise SettingError("beats", f"more than {beats}, as all bars are kept", event.beats)
    edits = [*settings.edits, *(Edit(*bars, event.seed, event.by) for bars in others)]
    return dataclasses.replace(settings.with_edits(edits), beats=beats)


def touched_bars(roll: PianoRoll, start: float, end: float) -> tuple[int, int]:
    """The first and the last bar, counted from 1, that sound between two beats."""
    frames = np.clip(np.array([start, end]) * FRAMES_PER_BEAT, 0, roll.frames)
    first = np.searchsorted(roll.bar_starts, frames[0], side="right")
    last = np.searchsorted(roll.bar_starts, frames[1], side="left")
    return int(first), int(max(first, last))
