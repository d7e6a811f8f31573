"""Say it: what a line of words does to the page's controls."""

from __future__ import annotations

import types

import gradio as gr
import pytest
from conftest import make_pipeline
from stand_ins import service_of

from prism.models.settings import PUBLIC_OTHERS
from prism.music.form import LETTERS
from prism.ui.say import Saying


def said(words: str, letters: int = LETTERS, before: dict | None = None) -> tuple:
    """The chips, the status, and the controls besides composers and weights that change."""
    saying = Saying(service_of(pipeline=lambda: make_pipeline(letters=letters)))
    shown, told, _, _, *others = saying.said(
        {"settings": before or {}}, types.SimpleNamespace(words=words)
    )
    named = zip(PUBLIC_OTHERS, others, strict=True)
    return shown["chips"], told["text"], {n: v for n, v in named if v != gr.skip()}


@pytest.mark.parametrize(
    ("words", "form", "told"),
    [("in AABA form", "AABA", "AABA form"), ("a rondo", "ABACA", "rondo")],
)
def test_a_form_becomes_a_chip_and_fills_the_control(words, form, told):
    chips, _, changed = said(words)
    assert chips == [{"text": f"form {form}", "title": f"from “{told}”"}]
    assert changed == {"form": form}


def test_a_form_that_is_said_no_more_is_open_again():
    assert said("fast", before={"form": "ABA"})[2] == {"form": "", "tempo": 144}


def test_a_model_without_form_says_so_and_nothing_changes():
    chips, told, changed = said("in ABA form", letters=0)
    reason = "expected nothing, as this model cannot be asked for that"
    assert chips == [{"text": "ABA form", "title": reason, "unused": True}]
    assert told.startswith("Nothing was understood") and reason in told and not changed
