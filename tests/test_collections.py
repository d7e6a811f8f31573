"""Which collection a piece comes from."""

from collections import Counter

import pytest
from conftest import make_piece

from prism.corpora import collections
from prism.corpora.collections import collection_of, collections_in
from prism.corpora.prepared import Corpus

PLACES = [
    ("oneills1850/0701-0750.abc#3", "Irish jigs", "O'Neill's Music of Ireland"),
    ("haydn/opus74no1/movement3.mxl", "Haydn", "String quartets"),
    ("music/Queen/A Day at the Races/Tie Your Mother Down.mid", "Queen", "A Day at the Races"),
    ("music/Queen/Tie Your Mother Down.mid", "Queen", ""),
    ("Tie Your Mother Down.mid", "Queen", ""),
    # A folder of that name alone is no book of the default corpus.
    ("bach/bwv1.6.mxl", "Queen", ""),
]


@pytest.mark.parametrize(("source", "label", "expected"), PLACES)
def test_a_piece_is_from_its_book_or_its_album(source, label, expected):
    assert collection_of(make_piece("a", label, source=source)) == expected


def corpus_of(*albums: str) -> Corpus:
    sources = [f"m/Ada/{album}/{k}.mid" for k, album in enumerate(albums)]
    pieces = [make_piece(source, source=source) for source in sources]
    sides = ("train",) * (len(pieces) - 1) + ("test",)
    return Corpus(tuple(pieces), sides, ("Ada",))


def test_the_collections_are_those_of_the_training_pieces():
    assert collections_in(corpus_of("B", "A", "B", "C")) == ("A", "B")


def test_one_collection_tells_nothing_apart():
    assert collections_in(corpus_of("A", "A", "B")) == ()


def test_the_largest_are_kept(monkeypatch):
    monkeypatch.setattr(collections, "MOST_COLLECTIONS", 2)
    assert collections_in(corpus_of("C", "A", "B", "B", "C", "D")) == ("B", "C")


def test_every_piece_of_the_default_corpus_has_one(bundled):
    counts = Counter(map(collection_of, bundled.pieces))
    assert "" not in counts
    assert len(collections_in(bundled)) == 9
    labels = {p.label for p in bundled.pieces if collection_of(p) == "O'Neill's Music of Ireland"}
    assert labels == {
        "Irish airs",
        "O'Carolan",
        "Irish jigs",
        "Irish reels",
        "Irish hornpipes and marches",
    }
