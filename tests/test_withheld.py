"""Where real pieces may not be passed on they are scored, but none of their notes leave."""

from __future__ import annotations

import json
import types
import zipfile

import pytest
from conftest import LANES, at_rest, choose_tab
from gradio_client import Client
from stand_ins import Page, served, service_of, settled
from test_ui_lessons import INPUTS

from prism.cli import app
from prism.service.bundle import Manifest, withheld
from prism.service.export import poster_of, write_archive
from prism.service.listening import Listening
from prism.service.session import Newest
from prism.ui.corpus import Library
from prism.ui.export import Export
from prism.ui.lessons import LESSONS, LessonRunner
from prism.ui.listening import BlindListening
from prism.ui.page import build_ui

WHY = "Real pieces are scored here, but not shown."
CC0, LAKH = "CC0 1.0, OpenScore", "dataset CC BY 4.0; the song is its owners'"


@pytest.mark.parametrize(
    ("terms", "bundle", "host", "reached", "shown"),
    [
        ([CC0], None, None, True, True),
        ([CC0, LAKH], None, None, True, False),
        ([LAKH], None, None, False, True),  # on this computer alone
        (["unknown"], None, None, True, False),
        ([], None, None, True, False),
        (["unknown"], True, None, True, True),
        ([CC0], False, None, False, False),
        ([LAKH], False, True, True, True),  # the host goes first
        ([CC0], True, False, False, False),
    ],
)
def test_terms_bundle_and_host_decide(terms, bundle, host, reached, shown):
    manifest = Manifest("Mine", "songs", tuple(terms), show_pieces=bundle)
    said = withheld(manifest, host, reached)
    assert bool(said) is not shown
    if said and host is None and bundle is None:
        assert f"“{(terms or ['not known'])[-1]}”" in said and "--pieces show" in said


def test_another_word_than_show_or_hide_is_told(monkeypatch, capsys):
    monkeypatch.setenv("PRISM_PIECES", "perhaps")
    with pytest.raises(SystemExit):
        app.main([])
    assert "PRISM_PIECES: expected one of show, hide, got perhaps" in capsys.readouterr().err


@pytest.fixture(scope="module")
def service():
    return service_of(withheld=WHY)


@pytest.fixture(scope="module")
def visitor(service):
    """A page after one click, with its scores."""
    page = Page(service)
    page.click()
    list(page.cards.scores(page.generation))
    list(page.cards.nearest(page.generation))
    return page


def silent(value: dict) -> bool:
    return value["notes"] == [] and value["downloads"] == {} and value["message"] == WHY


def test_the_lane_says_why_and_the_scores_are_there(service, visitor):
    value, _ = visitor.fill("corpus")
    assert silent(value) and value["title"]
    real = visitor.generation.pieces["corpus"]
    assert real.roll.notes() and real.draw().files == {}
    assert set(visitor.generation.scores) == {"prism", "amt"}
    # Neither from the results before, nor on another instrument.
    settings = visitor.generation.settings
    visitor.session.history.note(visitor.generation)
    assert visitor.session.history.kept("corpus", settings).seen.notes() == []
    assert real.played_on(9).seen.notes() == []


def test_the_page_itself_holds_no_stored_real_notes(service):
    parts = build_ui(service).get_config_file()["components"]
    values = [part["props"].get("value") for part in parts]
    players = [value for value in values if isinstance(value, dict) and "downloads" in value]
    prism, real, amt = players[:3]
    assert prism["notes"] and amt["notes"] and silent(real)


def test_the_corpus_tab_tells_of_a_piece_without_its_notes(service):
    chosen = types.SimpleNamespace(piece=0, when=1.0)
    value, *_ = settled(Library(service).choose(Newest(), chosen))
    assert silent(value)


def test_the_nearest_training_music_is_named_alone(visitor):
    event = types.SimpleNamespace(source="prism", when=1.0)
    value, *_ = settled(visitor.cards.hear(visitor.session, event))
    assert silent(value)


def test_lessons_that_take_a_real_piece_apart_say_why_they_do_not(service):
    ends = {}
    for lesson in LESSONS:
        *_, (line, *_) = LessonRunner(lesson, service).run(*INPUTS[lesson])
        ends[lesson.name[0]] = isinstance(line, dict) and WHY in line.get("text", "")
    assert ends == {"1": True, "2": False, "3": False, "4": False, "5": True, "6": False, "7": True}


def test_blind_listening_would_be_of_a_real_piece(service):
    ((said, *_),) = BlindListening(service).begin(Listening(service.stored.examples))
    assert said == WHY


def test_downloads_are_without_it(service, visitor, tmp_path):
    assert not visitor.generation.pieces["corpus"].draw().notate().engrave().files
    comparison = Export(service).comparison(visitor.generation, "")
    write_archive(comparison, tmp_path / "mine.zip")
    with zipfile.ZipFile(tmp_path / "mine.zip") as archive:
        assert not [name for name in archive.namelist() if name.startswith("mine/corpus/")]
        assert WHY in archive.read("mine/README.txt").decode()
    assert [bool(strip.roll) for strip in poster_of(comparison).strips] == [True, False, True]


@pytest.fixture(scope="module")
def kept():
    """The address of a page that withholds."""
    with served(withheld=WHY) as address:
        yield address


def test_no_note_comes_over_http(kept):
    client = Client(kept, verbose=False)
    real = client.predict(["Ada"], seed=3, api_name="/corpus")
    assert (real["notes"], real["files"], real["message"]) == ([], {}, WHY)
    for source in ("prism", "corpus", "amt"):
        written = client.predict(["Ada"], seed=3, source=source, api_name="/notation")
        missing = source == "corpus"
        assert (written["files"] == {}) == missing and written["message"] == WHY * missing
    both = client.predict(["Ada"], seed=3, api_name="/compare")
    assert both["corpus"]["notes"] == [] and both["prism"]["notes"]
    assert json.dumps(both["scores"]).count("cosine") == 4


def test_the_page_shows_two_pieces_and_all_scores(kept, visit):
    page = visit(kept)
    at_rest(page)
    page.get_by_role("button", name="Generate").click()
    lanes = page.locator(".prism-together .prism-player")
    lanes.nth(1).locator(".message", has_text=WHY).wait_for()
    chips = f"{LANES}.flatMap(lane => [...lane.querySelectorAll('.chip')])"
    page.wait_for_function(f"{chips}.length == 5")
    page.locator(".prism-transport").get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function(f"!{LANES}[0].querySelector('audio').paused")
    assert page.evaluate(f"{LANES}[1].querySelector('audio').hasAttribute('src')") is False
    choose_tab(page, "How it works")
    page.get_by_text("This lesson takes a real piece apart.").wait_for()
