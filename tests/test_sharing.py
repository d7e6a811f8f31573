"""Share links: what goes in comes out, and what is wrong in one is told."""

from __future__ import annotations

import re
import types
import urllib.parse

import gradio as gr
import pytest
from conftest import make_pipeline
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import KNOWN, LABELS, choice_of, controls_of, make_wishful, studio_of

from prism.models.settings import METRES
from prism.service.choice import AMT_STARTS, read_choice
from prism.service.sharing import USUAL, Shared, query, read_query
from prism.ui.generate import Handlers

AWKWARD = ["Bach", "Crosby, Stills & Nash", "100% Pure", "A%2CB", "Dvořák", "a+b=c?", "#1/2"]
weights = st.integers(0, 100) | st.floats(0, 100)


@st.composite
def controls(draw):
    """What the controls may hold, in the order of `read_choice`."""
    composers = draw(st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=4, unique=True))
    mixer = draw(st.lists(weights, min_size=4, max_size=4).filter(lambda w: max(w[:2]) > 1e-3))
    return (
        composers,
        mixer,
        draw(st.floats(0, 8)),
        draw(st.integers(0, 2**31 - 1)),
        draw(st.integers(4, 64)),
        draw(st.none() | st.floats(40, 240)),
        draw(st.sampled_from(list(AMT_STARTS))),
        draw(st.floats(0, 4)),
        *(draw(st.sampled_from(["", *values])) for values in (METRES, *KNOWN.values())),
    )


def parameters(text: str) -> dict[str, str]:
    """The query as the server decodes it."""
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


def read(text: str, known=LABELS, attributes=KNOWN) -> Shared:
    return read_query(parameters(text), known, attributes)


@given(controls())
def test_a_link_gives_back_the_choice_and_the_sliders(held):
    known = {"known": AWKWARD, "attributes": KNOWN}
    choice = read_choice(*held, **known)
    shared = read(query(choice), AWKWARD)
    assert not shared.faults and shared.whole
    assert shared.composers == tuple(held[0])
    if len(shared.composers) > 1:
        assert shared.weights == tuple(held[1][: len(held[0])])
    again = read_choice(shared.composers, shared.weights, *shared.settings, **known)
    assert again == choice and query(again) == query(choice)


@given(st.dictionaries(st.sampled_from(list(vars(USUAL))), st.text()))
def test_whatever_a_link_says_each_control_holds_something_good(strange):
    shared = read_query(strange, LABELS, KNOWN)
    assert all(fault.startswith("The link") for fault in shared.faults)
    read_choice(
        shared.composers or LABELS[:1],
        shared.weights,
        *shared.settings,
        known=LABELS,
        attributes=KNOWN,
    )


def test_a_link_is_short_and_readable():
    choice = choice_of(["Ada", "Bob"], [60, 40], seed=7, tempo=100)
    assert query(choice) == (
        "composers=Ada,Bob&weights=60,40&guidance_scale=2&seed=7"
        "&num_inference_steps=16&tempo=100&amt_start=opening&structure_scale=0.35"
    )
    assert "weights" not in query(choice_of(["Ada"], [60]))
    wishes = {"metre": "3/4", "key": "A minor", "density": "sparse", "register": "low"}
    assert query(choice_of(**wishes, character="soft", collection="Ballads")).endswith(
        "&structure_scale=0.35&metre=3/4&key=A%20minor&density=sparse&register=low&character=soft"
        "&collection=Ballads"
    )


def test_what_a_link_leaves_out_is_usual():
    assert read("") == USUAL and not read("__theme=dark").given
    assert read("seed=7") == Shared(seed=7, given=True)
    assert not read("seed=7").whole
    assert read("composers=Bob, Ada").composers == ("Bob", "Ada")
    assert read("composers=Ada,Bob").weights == (50, 50)


def test_a_key_may_be_typed_with_plain_letters():
    assert read("key=Bb minor").key == "B♭ minor" and read("key=C%23 major").key == "D♭ major"


WRONG = [
    ("composers=Ada,Zoe", "composers", "asks for “Zoe”, and Prism has learned Ada, Bob, Cleo."),
    ("composers=", "composers", "names no composer, and should name one to four"),
    ("composers=Ada,Ada", "composers", "names a composer twice"),
    ("composers=Ada,Bob&weights=1", "weights", "there should be 2, one a composer"),
    ("composers=Ada,Bob&weights=0,0", "weights", "all 0, and at least one should be above 0"),
    ("composers=Ada,Bob&weights=1,101", "weights", "weight of Bob is 101.*from 0 to 100"),
    ("composers=Ada,Bob&weights=1,", "weights", "weight of Bob is “”.*a number from 0 to 100"),
    ("guidance_scale=9", "guidance_scale", "guidance is 9.0, and should be a number from 0 to 8"),
    ("guidance_scale=nan", "guidance_scale", "guidance is “nan”"),
    ("seed=1.5", "seed", "seed is 1.5, and should be a whole number from 0 to 2147483647"),
    ("seed=-1", "seed", "seed is -1"),
    ("seed=1_0", "seed", "seed is “1_0”"),
    ("seed=" + "9" * 400, "seed", "seed is inf"),
    ("num_inference_steps=65", "num_inference_steps", "number of steps is 65.*from 4 to 64"),
    ("tempo=20", "tempo", "tempo is 20.*from 40 to 240, or 0 for the music's own"),
    ("tempo=" + "x" * 99, "tempo", f"tempo is “{'x' * 40}…”"),
    ("amt_start=end", "amt_start", "start from “end”, and it should be one of opening, nothing"),
    ("structure_scale=5", "structure_scale", "structure is 5.0, and should be .* from 0 to 4"),
    ("metre=5/7", "metre", "metre is “5/7”, and should be one of 4/4, 3/4, .*, 12/8."),
    ("key=H minor", "key", "key is “H minor”, and should be one of C major, .*, B minor."),
    ("density=Sparse", "density", "density is “Sparse”, and should be one of sparse, medium"),
    ("register=deep", "register", "register is “deep”, and should be one of low"),
    ("character=<b>", "character", "character is “<b>”, and should be one of soft"),
    ("collection=Hymns", "collection", "collection is “Hymns”, .* one of Ballads, Dances."),
    ("repetition=all", "repetition", "repetition is “all”, and should be one of none, little"),
]


@pytest.mark.parametrize(("text", "control", "message"), WRONG)
def test_what_is_wrong_is_told_and_concerns_one_control(text, control, message):
    shared = read(f"{text}&seed=7" if control != "seed" else f"{text}&tempo=90")
    (fault,) = shared.faults
    assert re.search(message, fault), fault
    if control == "weights":
        assert shared.weights == (50, 50) and shared.composers == ("Ada", "Bob")
    else:
        assert getattr(shared, control) == getattr(USUAL, control)
    assert (shared.tempo == 90) if control == "seed" else (shared.seed == 7)
    assert shared.given and not shared.whole


def test_what_a_model_does_not_know_is_told():
    shared = read("composers=Ada&metre=3/4&key=A minor", attributes={"density": ["sparse"]})
    (fault,) = shared.faults
    assert fault == "The link's key is “A minor”, and this model cannot be asked for that."
    assert (shared.metre, shared.key) == ("3/4", "") and not shared.whole


def opened(text: str, pipeline=make_pipeline) -> list:
    """(composers, status, link, mixer, *weights, *settings)."""
    request = types.SimpleNamespace(query_params=parameters(text))
    return Handlers(studio_of(pipeline=pipeline)).welcome(request)


def test_a_link_fills_the_controls_and_runs():
    choice = choice_of(
        ["Cleo", "Ada"],
        [30, 10],
        seed=9,
        tempo=90,
        amt_start="nothing",
        structure_scale=1.5,
        metre="6/8",
    )
    composers, status, link, mixer, *others = opened(query(choice))
    assert composers["value"] == mixer == ["Cleo", "Ada"]
    assert [(s["visible"], s.get("value")) for s in others[:2]] == [(True, 30), (True, 10)]
    assert others[4 : -len(KNOWN)] == [2, 9, 16, 90, "nothing", 1.5, "6/8"]
    assert link["run"] and "link was read" in status["text"]


def test_a_link_with_a_mistake_waits_for_the_visitor():
    composers, status, link, *_ = opened("composers=Ada&seed=x")
    assert composers["value"] == ["Ada"] and not link["run"]
    assert status["kind"] == "error" and "seed is “x”" in status["text"]


def test_without_a_link_nothing_runs():
    composers, status, link, *others = opened("")
    assert composers["value"] == ["Ada"] and not link["run"]
    assert status["text"].startswith("Ready") and all(o == gr.skip() for o in others[: -len(KNOWN)])


@pytest.mark.parametrize("knowing", [(), ("density", "key"), tuple(KNOWN)])
def test_the_page_offers_what_the_model_knows(knowing):
    controls = opened("", lambda: make_pipeline(knowing=knowing))[-len(KNOWN) :]
    for name, control in zip(KNOWN, controls, strict=True):
        assert (control["value"], control["visible"]) == ("", name in knowing)
        choices = [value for _, value in control["choices"]]
        assert choices == ["", *(KNOWN[name] if name in knowing else ())]


def test_a_link_fills_in_what_is_asked_for():
    text = "composers=Ada&key=B♭ minor&register=low"
    _, _, link, *others = opened(text, make_wishful)
    assert [o["value"] for o in others[-6:]] == ["B♭ minor", "", "low", "", "", ""] and link["run"]


def test_a_click_has_a_link_only_if_the_choice_is_good():
    handlers = Handlers(studio_of())
    value = handlers.share(*controls_of(["Ada", "Bob"], [50, 0, 50, 50]))
    assert "weights=50,0&" in value["query"] and not value["run"]
    assert handlers.share(*controls_of([])) == gr.skip()
