"""Which collection a piece comes from: a kind of label of its own, beside the composer.

In the default corpus it is the book, or the kind of piece, that its table names; elsewhere the
folder between the label's own and the file, such as an album. A piece may have none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from prism.corpora.music21 import COLLECTIONS
from prism.music.roll import Piece

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.corpora.sharded import ShardedCorpus

MOST_COLLECTIONS = 64

# A folder alone would not do: anybody may have one called "bach".
_BOOKS = {(c.label, c.pattern.split("/")[0]): c.book for c in COLLECTIONS}


def collection_of(piece: Piece) -> str:
    """The collection's name; empty if the piece has none.

    ``music/Queen/A Day at the Races/Tie Your Mother Down.mid`` comes from "A Day at the Races".
    """
    folders = piece.source.split("/")[:-1]
    if folders and (piece.label, folders[0]) in _BOOKS:
        return _BOOKS[piece.label, folders[0]]
    return folders[-1] if len(folders) > 2 else ""


def collections_in(corpus: Corpus | ShardedCorpus) -> tuple[str, ...]:
    """The names of the collections in the training split, sorted.

    Of more than `MOST_COLLECTIONS` those with the most pieces are kept. If there is but one, it
    tells no piece from another, and there is none.
    """
    counts = Counter(map(collection_of, corpus.select("train")))
    del counts[""]
    names = sorted(name for name, _ in counts.most_common(MOST_COLLECTIONS))
    return tuple(names) if len(names) > 1 else ()
