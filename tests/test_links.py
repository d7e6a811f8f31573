"""Share links: what goes in comes out, and what is wrong in one is told."""

from __future__ import annotations

import re
import types

import gradio as gr
import pytest
from conftest import make_pipeline
from hypothesis import given
from hypothesis import strategies as st
from stand_ins import KNOWN, LABELS, OFFERED, Page, choice_of, controls_of, make_wishful, service_of
from starlette.datastructures import QueryParams

from prism.models.setting_types import METRES, Number, Offered
from prism.models.settings import AMT_STARTS, PUBLIC, GenerationSettings
from prism.service.links import Link, query, read_query
from prism.ui.generate import Handlers

AWKWARD = ["Bach", "Crosby, Stills & Nash", "100% Pure", "A%2CB", "Dvořák", "a+b=c?", "#1/2"]
weights = st.integers(0, 100) | st.floats(0, 100)


NUMBERS = {name: s for name, s in PUBLIC.items() if type(s) is Number}
USUAL = GenerationSettings(LABELS[:1])


def numbers(setting: Number):
    if setting.whole:
        return st.integers(setting.low, setting.high)
    return st.floats(setting.low, setting.high)


@st.composite
def public_values(draw):
    """What the page's controls may hold."""
    composers = draw(st.lists(st.sampled_from(AWKWARD), min_size=1, max_size=4, unique=True))
    count = len(composers)
    mixer = draw(st.lists(weights, min_size=count, max_size=count).filter(lambda w: max(w) > 1e-3))
    words = {"amt_start": AMT_STARTS, "metre": ["", *METRES]}
    words |= {name: ["", *values] for name, values in KNOWN.items()}
    return (
        {"composers": composers, "weights": mixer}
        | {name: draw(numbers(setting)) for name, setting in NUMBERS.items()}
        | {"tempo": draw(st.just(0) | numbers(NUMBERS["tempo"]))}
        | {name: draw(st.sampled_from(list(values))) for name, values in words.items()}
    )


def read(text: str, known=LABELS, attributes=KNOWN) -> Link:
    return read_query(QueryParams(text).multi_items(), Offered(known, attributes))


@given(public_values())
def test_a_link_gives_back_the_settings_and_the_sliders(values):
    settings = GenerationSettings.read(values, Offered(AWKWARD, KNOWN))
    link = read(query(settings), AWKWARD)
    assert not link.faults and link.complete and link.settings == settings
    given_back = link.settings.public()
    assert given_back["composers"] == values["composers"]
    if len(values["composers"]) > 1:
        assert given_back["weights"] == values["weights"]
    assert query(link.settings) == query(settings)


@given(st.lists(st.tuples(st.sampled_from([*PUBLIC, "amp;seed"]) | st.text(), st.text())))
def test_whatever_a_link_says_each_setting_holds_something_good(strange):
    link = read_query(strange, OFFERED)
    assert all(fault.startswith("The link's") for fault in link.faults)
    assert link.settings.known_to(OFFERED)


# Links as they were made before there was one type of settings.
OLD = {
    "composers=Ada,Bob&weights=60,40&guidance_scale=2&seed=7&num_inference_steps=16&tempo=100"
    "&amt_start=opening&structure_scale=0.35&instrument=piano": {
        "composers": ["Ada", "Bob"],
        "weights": [60, 40],
        "seed": 7,
        "num_inference_steps": 16,
        "tempo": 100,
    },
    "composers=Ada&guidance_scale=3.5&seed=2147483647&num_inference_steps=4&tempo=0"
    "&amt_start=nothing&structure_scale=4": {
        "composers": ["Ada"],
        "guidance_scale": 3.5,
        "seed": 2**31 - 1,
        "num_inference_steps": 4,
        "amt_start": "nothing",
        "structure_scale": 4,
    },
    "composers=Cleo,Ada&weights=100,0&guidance_scale=8&seed=1&num_inference_steps=64&tempo=40"
    "&amt_start=melody&structure_scale=0&metre=3/4&key=B%E2%99%AD%20minor&density=sparse"
    "&register=low&character=soft&repetition=much&collection=Ballads": {
        "composers": ["Cleo", "Ada"],
        "weights": [100, 0],
        "guidance_scale": 8,
        "seed": 1,
        "num_inference_steps": 64,
        "tempo": 40,
        "amt_start": "melody",
        "structure_scale": 0,
        "metre": "3/4",
        "key": "B♭ minor",
        "density": "sparse",
        "register": "low",
        "character": "soft",
        "repetition": "much",
        "collection": "Ballads",
    },
}


@pytest.mark.parametrize(("text", "values"), OLD.items())
def test_links_of_before_still_open(text, values):
    link = read(text)
    assert link.complete and link.settings == GenerationSettings.read(values, OFFERED)
    shown = link.settings.public()
    assert {name: shown[name] for name in values} == values


def test_a_link_is_short_and_readable():
    choice = choice_of(["Ada", "Bob"], [60, 40], seed=7, tempo=100)
    assert query(choice) == (
        "composers=Ada,Bob&weights=60,40&guidance_scale=2&seed=7"
        "&num_inference_steps=8&tempo=100&beats=64&amt_start=opening&structure_scale=0.35&instrument=piano"
    )
    alone = query(choice_of(["Ada"], [60]))
    assert not any(name in alone for name in ("weights", "tempo", "take"))
    wishes = {"metre": "3/4", "key": "A minor", "density": "sparse", "register": "low"}
    assert query(choice_of(**wishes, character="soft", collection="Ballads")).endswith(
        "&structure_scale=0.35&instrument=piano&metre=3/4&key=A%20minor&density=sparse"
        "&register=low&character=soft&collection=Ballads"
    )


def test_what_a_link_leaves_out_has_its_default():
    assert read("").settings == USUAL and not read("").given and not read("__theme=dark").given
    assert read("seed=7").settings == GenerationSettings("Ada", seed=7)
    assert read("seed=7").given and not read("seed=7").complete
    assert read("composers=Bob, Ada").settings.composers == ("Bob", "Ada")
    assert read("composers=Ada,Bob").settings.public()["weights"] == [50, 50]


PLAIN = {
    "composers=Ada&composers=Bob": "composers=Ada,Bob",
    "composers=Bob&composers=Ada&weights=60&weights=40": "composers=Bob,Ada&weights=60,40",
    "composers=Ada,&composers=Bob": "composers=Ada,Bob",
    "composers=Ada&amp;seed=3": "composers=Ada&seed=3",
    "composers=Ada&amp;composers=Bob&amp;weights=1,2": "composers=Ada,Bob&weights=1,2",
    "composers=ada,BOB": "composers=Ada,Bob",
    "Composers=Ada&Guidance-Scale=3": "composers=Ada&guidance_scale=3",
    "composers=Ada&density=Sparse&key=a%20Minor": "composers=Ada&density=sparse&key=A%20minor",
    "composers=Ada&seed=3&seed=3": "composers=Ada&seed=3",
    "composers=Ada&seed=+3.0": "composers=Ada&seed=3",
    "composers=Ada&utm_source=x&fbclid=y&__theme=dark&view=api&deep_link=z": "composers=Ada",
}


@pytest.mark.parametrize(("given", "meant"), PLAIN.items())
def test_what_is_plain_is_read(given, meant):
    link = read(given)
    assert link.settings == read(meant).settings and link.complete and not link.faults


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("seed=3&seed=4", "The link's seed: expected one value, got '3, 4'."),
        ("amp;sed=3", f"The link's names: expected some of {', '.join(PUBLIC)}, got 'amp;sed'."),
        ("run=1&x=2", f"The link's names: expected some of {', '.join(PUBLIC)}, got 'run, x'."),
        ("metre=5/7", "The link's metre: expected a time signature such as 4/4, 3/4,"),
        ("composers=Bob&weights=1", "The link's weights: expected 2, one a composer, got ['1']."),
    ],
)
def test_what_is_not_understood_is_told(text, fault):
    link = read(f"composers=Ada&{text}&tempo=90")
    assert len(link.faults) == 1 and link.faults[0].startswith(fault)
    assert not link.complete and link.settings.composers[0] == "Ada"
    assert (link.settings.seed, link.settings.tempo) == (0, 90)


def test_a_key_may_be_typed_with_plain_letters():
    assert read("key=Bb minor").settings.key == "B♭ minor"
    assert read("key=C%23 major").settings.key == "D♭ major"


WRONG = [
    ("composers=Ada,Zoe", "composers: expected some of Ada, Bob, Cleo, got 'Zoe'."),
    ("composers=", "composers: expected 1 to 4 labels, each once, got \\[\\]"),
    ("composers=Ada,Ada", "composers: expected 1 to 4 labels, each once, got"),
    ("composers=Ada,Bob&weights=1", "weights: expected 2, one a composer"),
    ("composers=Ada,Bob&weights=0,0", "weights: expected at least one above 0"),
    ("composers=Ada,Bob&weights=1,101", "weights: expected a number from 0 to 100, got '101'"),
    ("composers=Ada,Bob&weights=1,", "weights: expected a number from 0 to 100, got nothing"),
    ("guidance_scale=9", "guidance_scale: expected a number from 0 to 8, got '9'"),
    ("guidance_scale=nan", "guidance_scale: .*, got 'nan'"),
    ("seed=1.5", "seed: expected a whole number from 0 to 2147483647, got '1.5'"),
    ("seed=-1", "seed: .* got '-1'"),
    ("seed=1_0", "seed: .* got '1_0'"),
    ("seed=" + "9" * 400, "seed: .* got '9{39}…"),
    ("num_inference_steps=201", "num_inference_steps: .* whole number from 1 to 200, got '201'"),
    ("tempo=10", "tempo: expected a number from 20 to 400, got '10'"),
    ("tempo=" + "x" * 99, "tempo: .* got 'x{39}…"),
    ("amt_start=end", "amt_start: expected one of opening, nothing, melody, got 'end'"),
    ("structure_scale=9", "structure_scale: expected a number from 0 to 8, got '9'"),
    ("metre=5/7", "metre: expected a time signature such as 4/4, 3/4, .*, got '5/7'"),
    ("key=H minor", "key: expected one like C major or B minor, got 'H minor'"),
    ("density=thick", "density: expected one of sparse, medium, dense, got 'thick'"),
    ("register=deep", "register: expected one of low"),
    ("character=<b>", "character: expected one of soft, .*, got '<b>'"),
    ("collection=Hymns", "collection: expected one of Ballads, Dances, got 'Hymns'"),
    ("repetition=all", "repetition: expected one of none, little"),
]


@pytest.mark.parametrize(("text", "message"), WRONG)
def test_what_is_wrong_is_told_and_concerns_one_setting(text, message):
    name = text.split("&")[-1].split("=")[0]
    link = read(f"{text}&tempo=90" if name == "seed" else f"{text}&seed=7")
    (fault,) = link.faults
    assert re.search(f"^The link's {message}", fault), fault
    shown, usual = link.settings.public(), USUAL.public()
    if name == "weights":
        assert shown["weights"] == [50, 50] and shown["composers"] == ["Ada", "Bob"]
    else:
        assert shown[name] == usual[name]
    assert (shown["tempo"] == 90) if name == "seed" else (shown["seed"] == 7)
    assert link.given and not link.complete


def test_what_a_model_does_not_know_is_told():
    link = read("composers=Ada&metre=3/4&key=A minor", attributes={"density": ["sparse"]})
    (fault,) = link.faults
    assert "key: expected nothing, as this model cannot be asked for that, got 'A minor'" in fault
    assert (link.settings.time_signature, link.settings.key) == ((3, 4), None)
    assert not link.complete


def opened(text: str, pipeline=make_pipeline) -> list:
    """(composers, status, link, mixer, *weights, *settings)."""
    request = types.SimpleNamespace(query_params=QueryParams(text))
    return Handlers(service_of(pipeline=pipeline)).welcome(request)


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
    assert composers["value"] == mixer["composers"] == ["Cleo", "Ada"]
    assert mixer["weights"] == [30, 10] and mixer["known"] == list(LABELS)
    assert others[: -len(KNOWN)] == [2, 9, 8, 90, 64, "nothing", 1.5, "", "piano", 0, "6/8", "", ""]
    assert link["run"] and "link was read" in status["text"]


def test_a_link_with_a_mistake_waits_for_the_visitor():
    composers, status, link, *_ = opened("composers=Ada&seed=x")
    assert composers["value"] == ["Ada"] and not link["run"]
    assert status["kind"] == "error" and "seed: expected a whole number" in status["text"]


def test_without_a_link_nothing_runs():
    composers, status, link, mixer, *others = opened("")
    assert composers["value"] == mixer["composers"] == ["Ada"] and not link["run"]
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
    page = Page(service_of())
    link, *_ = page.begin(*controls_of(["Ada", "Bob"], [50, 0, 50, 50]))
    assert "weights=50,0&" in link["query"] and not link["run"]
    links = []
    with pytest.raises(gr.Error):
        for link, *_ in page.handlers.begin(page.session, *controls_of([])):
            links.append(link)
    assert links and all(link == gr.skip() for link in links)
