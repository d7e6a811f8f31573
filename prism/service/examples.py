"""Ready examples: choices that answer at once, because their notes are stored.

``python -m prism.service.make_examples`` generates them with the bundled weights. Those made with
other weights or another corpus than those in use are ignored.
"""

from __future__ import annotations

import hashlib
import json
import logging
import pathlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prism import ASSETS
from prism.corpora.provenance import MODELS, files_digest
from prism.models.settings import GenerationSettings
from prism.music.packing import packed_roll, unpacked_roll
from prism.service.loading import Loader
from prism.service.piece import ShownPiece

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus

logger = logging.getLogger(__name__)

EXAMPLES = {
    "A Bach chorale": GenerationSettings("Bach", seed=7),
    "An Irish jig": GenerationSettings("Irish jigs", seed=7),
    "Haydn meets Irish reels": GenerationSettings(["Haydn", "Irish reels"], seed=7),
    "Mozart with some Beethoven": GenerationSettings(["Mozart", "Beethoven"], [60, 40], seed=7),
    "AMT accompanies a Scottish air": GenerationSettings(
        "Scottish airs", seed=7, amt_start="melody"
    ),
}
EXAMPLES_FILE = ASSETS / "examples.json"

# What a source's piece was made with.
_MADE_WITH = {"prism": ("prism",), "corpus": ("corpus",), "amt": ("amt", "corpus", "prism")}
_WORDS = ("kind", "title", "detail", "caption", "name")


def origin_of(
    weights: pathlib.Path, baseline: str | pathlib.Path, corpus: Corpus
) -> dict[str, str]:
    """Digests of what takes part; those of models that are no bundled files are missing."""
    prism = files_digest(tuple(weights / folder for folder in MODELS["prism"]))
    profiles = weights / "prism.json"
    if prism and profiles.is_file():
        prism += f" {hashlib.sha256(profiles.read_bytes()).hexdigest()}"
    amt = files_digest((pathlib.Path(baseline),))
    found = {"corpus": corpus.digest, "prism": prism, "amt": amt}
    return {name: digest for name, digest in found.items() if digest}


def load_examples(
    weights: pathlib.Path, baseline: str | pathlib.Path, corpus: Loader[Corpus]
) -> dict[tuple, ShownPiece]:
    """Read the stored examples that were made with these, still without files.

    Keyed by `GenerationSettings.key_for` their sources.
    """
    stored = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
    origin = origin_of(weights, baseline, corpus.get())
    sources = [
        source
        for source, parts in _MADE_WITH.items()
        if all(stored["origin"].get(part) == origin.get(part, "") for part in parts)
    ]
    if len(sources) < len(_MADE_WITH):
        name = EXAMPLES_FILE.name
        logger.info("%s: made with other weights, in use for %s alone", name, sources)
    return {
        EXAMPLES[example["name"]].key_for(source): unpacked(example["pieces"][source], source)
        for example in stored["examples"]
        if example["name"] in EXAMPLES
        for source in sources
    }


def stored_pieces(name: str) -> dict[str, ShownPiece]:
    """The pieces of an example by source, whatever they were made with; still without files."""
    stored = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))["examples"]
    (pieces,) = (one["pieces"] for one in stored if one["name"] == name)
    return {source: unpacked(piece, source) for source, piece in pieces.items()}


def packed(piece: ShownPiece) -> dict[str, Any]:
    """A piece as JSON holds it."""
    words = {word: getattr(piece, word) for word in _WORDS}
    return words | {"lines": list(piece.lines)} | packed_roll(piece.roll)


def unpacked(stored: Mapping[str, Any], source: str) -> ShownPiece:
    """The piece of a source of which `packed` made this, still without files."""
    words = {word: stored[word] for word in _WORDS}
    lines = tuple(stored["lines"])
    return ShownPiece(**words, roll=unpacked_roll(stored), lines=lines, source=source)
