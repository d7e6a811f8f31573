"""Ready examples: choices that answer at once, because their notes are stored in the bundle.

Those made with other weights or another corpus than those in use are ignored; see
`prism.service.make_examples`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from prism.corpora.provenance import MODELS, files_digest
from prism.models.settings import PUBLIC, GenerationSettings
from prism.music.packing import packed_roll, unpacked_roll
from prism.service.log import log_fault
from prism.service.piece import ShownPiece

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.service.loading import Loader

logger = logging.getLogger(__name__)

# What a source's piece was made with.
_MADE_WITH = {"prism": ("prism",), "corpus": ("corpus",), "amt": ("amt", "corpus", "prism")}
_WORDS = ("kind", "title", "detail", "caption", "name")


class Example(NamedTuple):
    """A choice under a name, and its pieces by source, still without files."""

    name: str
    settings: GenerationSettings
    pieces: dict[str, ShownPiece]


class StoredExamples(NamedTuple):
    """The examples of a bundle in the order of the page, and digests of what made them."""

    examples: Sequence[Example] = ()
    origin: Mapping[str, str] = {}


def read_examples(path: pathlib.Path, withheld: str = "") -> StoredExamples:
    """What a file of examples holds; nothing where it is missing or damaged, which is logged.

    `withheld` is why the notes of its real pieces are, if so.
    """
    if not path.is_file():
        return StoredExamples()
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        examples = [_example(one, withheld) for one in stored["examples"]]
        return StoredExamples(examples, stored["origin"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        log_fault(logger, path.name, error)
        return StoredExamples()


def _example(stored: Mapping[str, Any], withheld: str) -> Example:
    named = {PUBLIC[name].name: value for name, value in stored["settings"].items()}
    pieces = {source: unpacked(piece, source) for source, piece in stored["pieces"].items()}
    pieces["corpus"] = dataclasses.replace(pieces["corpus"], withheld=withheld)
    return Example(stored["name"], GenerationSettings(**named), pieces)


def packed_example(
    name: str, settings: GenerationSettings, pieces: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """An example as JSON holds it, of pieces as `packed` gives them."""
    usual = GenerationSettings(settings.composers).public()
    told = {n: value for n, value in settings.public().items() if value != usual[n]}
    told = {"composers": list(settings.composers)} | told
    return {"name": name, "settings": told, "pieces": dict(pieces)}


def origin_of(
    weights: pathlib.Path, baseline: str | pathlib.Path, corpus: Corpus
) -> dict[str, str]:
    """Digests of what takes part; those of models that are no bundled files are missing."""
    prism = files_digest(tuple(weights / folder for folder in MODELS["prism"]))
    profiles = weights / "prism.json"
    if prism and profiles.is_file():
        prism += f" {hashlib.sha256(profiles.read_bytes()).hexdigest()}"
    found = {
        "corpus": corpus.digest,
        "prism": prism,
        "student": files_digest((weights / "student",)),
        "amt": files_digest((pathlib.Path(baseline),)),
    }
    return {name: digest for name, digest in found.items() if digest}


def load_examples(
    stored: StoredExamples,
    weights: pathlib.Path,
    baseline: str | pathlib.Path,
    corpus: Loader[Corpus],
) -> dict[tuple, ShownPiece]:
    """Those pieces of the stored examples that were made with these, still without files.

    Keyed by `GenerationSettings.key_for` their sources.
    """
    origin = origin_of(weights, baseline, corpus.get())
    sources = [
        source
        for source, parts in _MADE_WITH.items()
        if all(stored.origin.get(part) == origin.get(part, "") for part in parts)
    ]
    if stored.examples and len(sources) < len(_MADE_WITH):
        logger.info("examples: made with other weights, in use for %s alone", sources)
    return {
        example.settings.key_for(source): example.pieces[source]
        for example in stored.examples
        for source in sources
        if source in example.pieces
    }


def packed(piece: ShownPiece) -> dict[str, Any]:
    """A piece as JSON holds it."""
    words = {word: getattr(piece, word) for word in _WORDS}
    if piece.withheld:
        words["withheld"] = piece.withheld
    return words | {"lines": list(piece.lines)} | packed_roll(piece.roll)


def unpacked(stored: Mapping[str, Any], source: str) -> ShownPiece:
    """The piece of a source of which `packed` made this, still without files."""
    words = {word: stored[word] for word in _WORDS} | {"withheld": stored.get("withheld", "")}
    lines = tuple(stored["lines"])
    return ShownPiece(**words, roll=unpacked_roll(stored), lines=lines, source=source)
