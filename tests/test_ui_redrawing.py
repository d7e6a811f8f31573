"""Undo, redo and the bars that are meant, without a browser."""

from __future__ import annotations

import types

import gradio as gr
import pytest
from stand_ins import choice_of, service_of
from test_known import tune

from prism.models.edits import Edit
from prism.models.setting_types import SettingError
from prism.service.piece import ShownPiece
from prism.service.session import Session
from prism.ui.presets import Presets
from prism.ui.redrawing import edited, redraw_value, touched_bars


def wish(kind: str, **data) -> types.SimpleNamespace:
    return types.SimpleNamespace(kind=kind, **data)


def drawn(session: Session, settings) -> None:
    """As if Generate had been pressed, and Prism's piece had come."""
    session.begin(settings).pieces["prism"] = ShownPiece("", "", "", "", "x", tune())


def test_edits_are_added_undone_and_redone():
    session, base = Session(), choice_of(seed=3)
    drawn(session, base)
    assert redraw_value(session) == {"edits": "", "undo": False, "redo": False}
    drawn(session, edited(session, wish("draw", start=32.0, end=40.0, seed=77, by="prism")))
    assert session.generation.settings == base.with_edits([Edit(9, 10, 77)])
    drawn(session, edited(session, wish("draw", start=0, end=4, seed=5, by="amt")))
    assert redraw_value(session)["edits"] == "bars 9-10 from seed 77, bars 1 from seed 5 by AMT"
    for left in ([Edit(9, 10, 77)], []):
        drawn(session, edited(session, wish("undo")))
        assert session.generation.settings == base.with_edits(left)
        assert redraw_value(session)["redo"]
    drawn(session, edited(session, wish("redo")))
    assert session.generation.settings.redraw == "9-10:77"
    drawn(session, edited(session, wish("redo")))
    assert session.generation.settings.redraw == "9-10:77,1:5:amt"
    assert not redraw_value(session)["redo"]


def test_another_piece_or_another_edit_has_nothing_to_redo():
    session, base = Session(), choice_of(seed=3)
    drawn(session, base.with_edits([Edit(1, 2, 3)]))  # by a link
    drawn(session, edited(session, wish("undo")))
    assert session.trail == (0, [base, base.with_edits([Edit(1, 2, 3)])])
    drawn(session, choice_of(seed=4))
    assert not redraw_value(session)["redo"]
    drawn(session, base)
    drawn(session, edited(session, wish("draw", start=8, end=12, seed=9, by="prism")))
    assert not redraw_value(session)["redo"] and session.generation.settings.redraw == "3:9"


def test_there_has_to_be_a_piece():
    with pytest.raises(SettingError, match="redraw: expected a piece of Prism's: press Generate"):
        edited(Session(), wish("undo"))
    with pytest.raises(gr.Error, match="press Generate"):
        Presets(service_of()).redraw(Session(), wish("undo"))


def test_too_many_edits_are_told():
    session = Session()
    drawn(session, choice_of(seed=3).with_edits([Edit(1, 1, n) for n in range(16)]))
    with pytest.raises(SettingError, match="redraw: expected .* up to 16"):
        edited(session, wish("draw", start=0, end=4, seed=1, by="prism"))


@pytest.mark.parametrize(
    ("beats", "bars"),
    [((32, 40), (9, 10)), ((33, 35.9), (9, 9)), ((0, 64), (1, 16)), ((31, 33), (8, 9))],
)
def test_bars_that_sound_between_two_beats(beats, bars):
    assert touched_bars(tune(), *beats) == bars


def test_bars_of_another_metre_are_those_that_are_touched():
    assert touched_bars(tune(time_signature=(3, 4)), 32, 40) == (11, 14)
    assert touched_bars(tune(), -4, 99) == (1, 16)


# ---- going on from a lane ----


def shown(session: Session, settings, **rolls) -> Session:
    """As if these pieces had come."""
    begun = session.begin(settings)
    begun.pieces |= {name: ShownPiece("", "", "", "", "x", roll) for name, roll in rolls.items()}
    return session


def on(lane: str, *parts, beats: int = 64, by: str = "prism") -> types.SimpleNamespace:
    return wish("keep", lane=lane, parts=parts, beats=beats, by=by, seed=7)


def test_bars_of_another_lane_are_kept():
    base = choice_of(seed=3, metre="4/4", redraw="1:2")
    rolls = {"prism": tune(), "corpus": tune(time_signature=(3, 4)), "amt": tune()}
    session = shown(Session(), base, **rolls)
    wanted = edited(session, on("corpus", [0, 24], [57, 64], beats=128, by="form"))
    assert wanted == choice_of(seed=3, keep="real:1-8,20-22:7:form", beats=128)
    shown(session, wanted, **rolls)
    assert redraw_value(session)["undo"]
    shown(session, edited(session, wish("undo")), **rolls)
    assert session.generation.settings == base
    assert edited(session, on("amt", [0, 16])).keep == "amt:1-4:7"
    session.generation.own = types.SimpleNamespace(token="0123456789ab")
    assert edited(session, on("corpus", [0, 12])).keep == "yours-0123456789ab:1-4:7"


BY_AMT = "17-24:7:amt,25-32:7:amt,33:7:amt"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (on("prism", [0, 32]), {"redraw": "9-16:7"}),
        (on("prism", [0, 16], [48, 64], by="amt"), {"redraw": "5-12:7:amt"}),
        (on("prism", [16, 24]), {"redraw": "1-4:7,7-16:7"}),
        (on("prism", [0, 64], beats=128), {"beats": 128}),
        # Prism goes on, and what it adds is redrawn by AMT, half a window at once.
        (on("prism", [0, 64], beats=132, by="amt"), {"beats": 132, "redraw": BY_AMT}),
    ],
)
def test_prisms_own_piece_goes_on(wanted, expected):
    session = shown(Session(), choice_of(seed=3), prism=tune())
    assert edited(session, wanted) == choice_of(seed=3, **expected)


def test_what_cannot_go_on_is_told():
    with pytest.raises(SettingError, match="keep: expected a lane with a piece: press Generate"):
        edited(Session(), on("corpus", [0, 32]))
    session = shown(Session(), choice_of(seed=3), prism=tune())
    with pytest.raises(SettingError, match="beats: expected more than 64, as all bars are kept"):
        edited(session, on("prism", [0, 64]))
    session = shown(Session(), choice_of(amt_start="melody", redraw="1:2"), amt=tune())
    with pytest.raises(SettingError, match="an AMT that accompanies Prism's first version"):
        edited(session, on("amt", [0, 32]))
