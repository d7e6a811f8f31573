"""Export without a browser: what is kept of a click, and what is said when it cannot be."""

import zipfile
from types import SimpleNamespace

import pytest
from stand_ins import choice_of, service_of

from prism.service.links import query
from prism.service.session import Session
from prism.ui.export import Export, page_address

PAGE = SimpleNamespace(page="https://host.example/prism/")


@pytest.fixture(scope="module")
def service():
    return service_of()


def clicked(service, names=("prism", "corpus", "amt"), scored=True) -> Session:
    """A session whose generation has come so far."""
    session = Session()
    generation = session.begin(choice_of(seed=7))
    for name in names:
        *_, last = service.fill(name, generation.settings)
        generation.pieces[name] = last.piece
    if scored:
        generation.scores |= service.scores(generation.pieces)
    return session


def test_the_zip_holds_the_click_and_its_link(service, tmp_path):
    session = clicked(service)
    made = Export(service).archive(session, PAGE)
    assert next(made)["busy"]
    done = next(made)
    # As Gradio does, read it before asking for more.
    with zipfile.ZipFile(done["file"]["path"]) as archive:
        text = archive.read("prism-comparison-Ada-seed-7/README.txt").decode()
        names = archive.namelist()
    assert list(made) == []
    assert f"{PAGE.page}?{query(session.generation.settings)}" in text
    assert len(names) == 2 + 3 * 6 and done["text"].endswith("-7.zip.")
    assert "AMT-test" in text and "terms: made for the tests" in text


def test_what_was_asked_for_is_among_the_settings():
    session, export = Session(), Export(service_of())
    settings = export.comparison(session.begin(choice_of()), "").settings
    assert not {"metre", "time_signature", "attributes", "key"} & set(settings)
    generation = session.begin(choice_of(metre="3/4", key="A minor"))
    settings = export.comparison(generation, PAGE.page).settings
    assert (settings["metre"], settings["key"]) == ("3/4", "A minor")


def test_the_poster_of_half_a_click_says_what_it_lacks(service):
    made = Export(service).poster(clicked(service, names=["prism"], scored=False), PAGE)
    *_, done = [value["text"] for value in made]
    assert done == (
        "Saved as prism-poster-Ada-seed-7.pdf, without the real piece, AMT's piece, the scores: "
        "not finished yet."
    )


def test_before_a_click_there_is_nothing(service):
    for make in (Export(service).archive, Export(service).poster):
        (value,) = make(Session(), PAGE)
        assert value["kind"] == "error" and "press Generate first" in value["text"]


def test_a_fault_is_told_in_the_panel(service, monkeypatch):
    def full(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr("prism.ui.export.write_poster", full)
    *_, value = Export(service).poster(clicked(service, ["prism"], scored=False), PAGE)
    assert value["kind"] == "error" and "No space left" in value["text"] and value["file"] is None


@pytest.mark.parametrize(
    "address",
    ["https://a-b.hf.space/", "http://127.0.0.1:7860/", "http://[::1]:7860/x/y_z/"],
)
def test_addresses_of_pages(address):
    assert page_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "https://a@evil.example/",
        "https://host/?x=1",
        "https://host/#x",
        "https://host/\n",
        "https://host/" + "a" * 300,
        "//host/",
        None,
        ["https://host/"],
    ],
)
def test_anything_else_gives_no_link(address):
    assert page_address(address) == ""
