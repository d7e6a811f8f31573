"""The ready examples belong to the bundled weights and corpus, and are what generating gives."""

from __future__ import annotations

from functools import partial

import pytest
from conftest import ROOT

from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.service.bundle import open_bundle
from prism.service.examples import StoredExamples, load_examples, origin_of, read_examples
from prism.service.loading import Loader
from prism.service.make_examples import SHIPPED_EXAMPLES, usual_examples
from prism.service.piece import ShownPiece
from prism.service.scheduler import Scheduler
from prism.service.sources import CorpusSource, PrismSource

WEIGHTS = ROOT / "weights"
SOURCES = {"prism", "corpus", "amt"}


@pytest.fixture(scope="module")
def stored() -> StoredExamples:
    return read_examples(open_bundle().path("examples"))


@pytest.fixture(scope="module")
def corpus() -> Loader[Corpus]:
    return Loader(partial(Corpus.load, ROOT / "assets" / "corpus"))


@pytest.fixture
def silent(monkeypatch):
    """Loads without rendering sound, which takes seconds and is tested elsewhere."""
    monkeypatch.setattr(ShownPiece, "render", lambda piece: piece)


def test_they_were_made_with_the_bundled_weights_and_corpus(stored, corpus):
    assert stored.origin == origin_of(WEIGHTS, WEIGHTS / "amt", corpus.get())
    assert set(stored.origin) == {*SOURCES, "student"}
    assert {example.name: example.settings for example in stored.examples} == SHIPPED_EXAMPLES


def test_they_are_what_generating_gives(stored, corpus):
    pipeline = Loader(partial(PrismPipeline.from_pretrained, WEIGHTS))
    sources = [PrismSource(pipeline, Scheduler()), CorpusSource(corpus)]
    example = stored.examples[2]
    for source in sources:
        assert example.pieces[source.name] == source.piece(example.settings)


def test_all_sides_are_loaded_with_what_they_were_made_with(stored, corpus, silent):
    examples = load_examples(stored, WEIGHTS, WEIGHTS / "amt", corpus)
    wanted = {s.key_for(name) for s in SHIPPED_EXAMPLES.values() for name in SOURCES}
    assert set(examples) == wanted
    assert all(len(piece.roll.notes()) > 50 for piece in examples.values())


def sources(examples: dict) -> set[str]:
    """Those of the pieces."""
    return {name for name, *_ in examples}


def test_what_was_made_with_something_else_is_passed_over(stored, tmp_path, corpus, silent):
    # Another baseline, by its name on the Hub.
    assert sources(load_examples(stored, WEIGHTS, "somebody/music", corpus)) == {"prism", "corpus"}
    # Other weights: the baseline, too, may have accompanied Prism.
    assert sources(load_examples(stored, tmp_path, WEIGHTS / "amt", corpus)) == {"corpus"}
    other = Loader(lambda: Corpus((), (), ()))
    assert sources(load_examples(stored, WEIGHTS, WEIGHTS / "amt", other)) == {"prism"}


def test_damaged_or_missing_examples_are_none(tmp_path):
    assert read_examples(tmp_path / "examples.json") == StoredExamples()
    (tmp_path / "examples.json").write_text('{"examples": [{}]}')
    assert read_examples(tmp_path / "examples.json") == StoredExamples()


@pytest.mark.parametrize("composers", [["Ada"], ["Ada", "Bob"], list("ABCDE")])
def test_a_bundle_gets_examples_of_its_own_composers(composers):
    chosen = usual_examples(composers)
    assert len(chosen) == len({settings.key_for("amt") for settings in chosen.values()}) >= 3
    assert {name for s in chosen.values() for name in s.composers} <= set(composers)
    # Blind listening leaves out the first, with which the page opens, and the accompaniment.
    assert [s.amt_start for s in chosen.values()][1:].count("opening") >= 1
