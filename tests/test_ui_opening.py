"""The page opens with a stored example, which makes way for whatever a visitor wants."""

from __future__ import annotations

import types
import urllib.parse

import gradio as gr
import pytest
from stand_ins import Page, choice_of, service_of, settled

from prism.models.setting_types import Offered
from prism.service.bundle import open_bundle
from prism.service.examples import read_examples
from prism.service.links import read_query
from prism.service.session import Session
from prism.ui.generate import Handlers

_, SETTINGS, PIECES = read_examples(open_bundle().path("examples")).examples[0]
SOURCES = ("prism", "corpus", "amt")


def stored() -> dict:
    """The first example alone, as the loader has it."""
    return {SETTINGS.key_for(name): piece for name, piece in PIECES.items()}


@pytest.fixture(scope="module")
def service():
    return service_of(examples=stored)


def opened(handlers: Handlers, session: Session, query: dict | None = None) -> list:
    return list(handlers.opening(session, types.SimpleNamespace(query_params=query or {})))


def test_the_page_brings_notes_along():
    assert tuple(PIECES) == SOURCES
    assert all(len(piece.roll.notes()) > 50 and not piece.files for piece in PIECES.values())


def test_the_notes_are_there_at_once_then_sound_scores_and_neighbours(service):
    handlers, session = Handlers(service), Session()
    first, *later = opened(handlers, session)
    assert [value["busy"] for value in first[2::2]] == [True] * 3
    assert all(len(value["notes"]) > 50 for value in first[2::2])
    scores, nearest, *lanes = settled(later)
    assert all("wav" in value["downloads"] and not value["busy"] for value in lanes[::2])
    assert [len(scores["chips"][name]) for name in SOURCES] == [2, 1, 2]
    assert {row["source"] for row in nearest["rows"]} == set(SOURCES)
    generation = session.generation
    assert generation.settings == SETTINGS and set(generation.pieces) == set(SOURCES)
    assert set(generation.scores) == {"prism", "amt"} and len(generation.neighbours) == 3
    # Nobody asked for it, so it is no result of the visit.
    assert session.history.entries == []


def test_what_is_said_of_it_is_found_out_once(service, monkeypatch):
    handlers = Handlers(service)
    before = settled(opened(handlers, Session()))
    monkeypatch.setattr(service.scorer.get(), "scores", lambda *_: pytest.fail("scored again"))
    monkeypatch.setattr(service.index.get(), "nearest", lambda *_: pytest.fail("searched again"))
    session = Session()
    after = settled(opened(handlers, session))
    for then, now in zip(before[:2], after[:2], strict=True):
        assert now == then | {"told": now["told"]} and now["told"] > then["told"]
    assert len(session.generation.neighbours) == 3


def test_the_controls_say_what_the_lanes_show(service):
    composers, _, _, mix, guidance, seed = Handlers(service).welcome()[:6]
    assert composers["value"] == mix["composers"] == ["Bach"] and (guidance, seed) == (2, 7)
    without = Handlers(service_of()).welcome()
    assert without[0]["value"] == without[3]["composers"] == ["Ada"]
    assert without[5] == gr.skip()


def test_its_link_asks_for_what_the_lanes_show(service):
    link = Handlers(service).welcome()[2]
    assert link["opening"] and not link["run"]
    texts = urllib.parse.parse_qsl(link["query"])
    asked = read_query(texts, Offered(["Bach"], {}), service.bundle.id)
    assert asked.complete and asked.settings == SETTINGS
    assert Handlers(service_of()).welcome()[2]["query"] == ""


@pytest.mark.parametrize("name", ["composers", "seed"])
def test_a_link_gets_empty_lanes(service, name):
    session = Session()
    (shown,) = opened(Handlers(service), session, {name: "7"})
    assert [value["notes"] for value in shown[2::2]] == [[]] * 3
    assert session.generation.settings is None


def test_other_parameters_are_no_link(service):
    assert len(opened(Handlers(service), Session(), {"__theme": "dark"})) > 1


@pytest.mark.parametrize("examples", [dict, lambda: 1 / 0])
def test_other_weights_or_no_examples_get_empty_lanes(examples):
    (shown,) = opened(Handlers(service_of(examples=examples)), Session())
    assert [value["notes"] for value in shown[2::2]] == [[]] * 3


def test_a_faster_click_is_left_alone(service):
    page = Page(service)
    page.begin()
    (shown,) = opened(page.handlers, page.session)
    assert all(part == gr.skip() for part in shown)
    assert page.generation.settings == choice_of()


def test_a_click_on_the_way_ends_it(service):
    page = Page(service)
    on_its_way = page.handlers.opening(page.session)
    next(on_its_way)
    page.click("prism")
    rest = [part for update in on_its_way for part in update[:2]]
    assert all(part == gr.skip() for part in rest)
    assert set(page.generation.pieces) == {"prism"}
