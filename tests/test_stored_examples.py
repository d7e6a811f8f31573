"""The ready examples belong to the bundled weights and corpus, and are what generating gives."""

from __future__ import annotations

import json
from functools import partial

import pytest
from conftest import ROOT

from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.service.examples import (
    EXAMPLES,
    EXAMPLES_FILE,
    load_examples,
    origin_of,
    unpacked,
)
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.scheduler import Scheduler
from prism.service.sources import CorpusSource, PrismSource

WEIGHTS = ROOT / "weights"
SOURCES = {"prism", "corpus", "amt"}


@pytest.fixture(scope="module")
def stored() -> dict:
    return json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def corpus() -> Loader[Corpus]:
    return Loader(partial(Corpus.load, ROOT / "assets" / "corpus"))


@pytest.fixture
def silent(monkeypatch):
    """Loads without rendering sound, which takes seconds and is tested elsewhere."""
    monkeypatch.setattr(ShownPiece, "render", lambda piece: piece)


def test_they_were_made_with_the_bundled_weights_and_corpus(stored, corpus):
    assert stored["origin"] == origin_of(WEIGHTS, WEIGHTS / "amt", corpus.get())
    assert set(stored["origin"]) == SOURCES
    assert [example["name"] for example in stored["examples"]] == list(EXAMPLES)


def test_they_are_what_generating_gives(stored, corpus):
    pipeline = Loader(partial(PrismPipeline.from_pretrained, WEIGHTS))
    sources = [PrismSource(pipeline, Scheduler()), CorpusSource(corpus)]
    example = stored["examples"][2]
    for source in sources:
        made = source.piece(EXAMPLES[example["name"]])
        assert unpacked(example["pieces"][source.name], source.name) == made


def test_all_sides_are_loaded_with_what_they_were_made_with(corpus, silent):
    examples = load_examples(WEIGHTS, WEIGHTS / "amt", corpus)
    assert set(examples) == {s.key_for(name) for s in EXAMPLES.values() for name in SOURCES}
    assert all(len(piece.roll.notes()) > 50 for piece in examples.values())


def sources(examples: dict) -> set[str]:
    """Those of the pieces."""
    return {name for name, *_ in examples}


def test_what_was_made_with_something_else_is_passed_over(tmp_path, corpus, silent):
    # Another baseline, by its name on the Hub.
    assert sources(load_examples(WEIGHTS, "somebody/music-model", corpus)) == {"prism", "corpus"}
    # Other weights: the baseline, too, may have accompanied Prism.
    assert sources(load_examples(tmp_path, WEIGHTS / "amt", corpus)) == {"corpus"}
    other = Loader(lambda: Corpus((), (), ()))
    assert sources(load_examples(WEIGHTS, WEIGHTS / "amt", other)) == {"prism"}
