"""OpenScore's Lieder and String Quartets, CC0: scores as ``.mxl``, read through music21.

Fetched from their home as they were at one commit, or read from the repositories' own archives or
from folders, wherever ``scores/Composer/…/lc1.mxl`` or ``sq1.mxl`` lie in them.

Conventions
-----------
label
    The composer's surname, with an initial where two share it: "R. Schumann".
title
    "Song, from set", as the folders say it; a quartet's is its folder's.
source
    The collection, the composer, the set if there is one, and the score's number, by which it is
    found in the archive and on musescore.com.
"""

from __future__ import annotations

import dataclasses
import os
import pathlib
import re
import tempfile
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from prism.corpora.fetching import PinnedArchive, fetch
from prism.corpora.files import CorpusError, LeftOut, MidiFile, entries, load
from prism.corpora.music21 import Collection, read_score_file
from prism.corpora.preparation import (
    MINIMUM_PIECES,
    Report,
    assemble,
    check_minimum,
    read_scores,
)
from prism.corpora.prepared import SPLITS, Corpus
from prism.corpora.scheduling import LOCAL
from prism.music.roll import Piece

TERMS = "CC0 1.0, OpenScore"
_HOME = "https://github.com/OpenScore"
ARCHIVES = (
    PinnedArchive(
        "OpenScore-Lieder",
        f"{_HOME}/Lieder/archive/bca122458de6.zip",
        "2bd0f82acff7b31b527da5d672a71c9fb293a45ea0918f624d1c0202a860a143",
    ),
    PinnedArchive(
        "OpenScore-StringQuartets",
        f"{_HOME}/StringQuartets/archive/2c723a5b7b4e.zip",
        "6d8fa6606fe4dd2f2b7028bfc9f5fdad319c616ac312222389d1fc13ef88c577",
    ),
)
# Of each kind of number the collection, and quarter notes a minute where a score names no tempo.
_COLLECTIONS = {"lc": ("OpenScore Lieder", 84.0), "sq": ("OpenScore String Quartets", 108.0)}
_SCORE = re.compile(r"(?:^|/)scores/([^/]+)/(.+)/((lc|sq)\d+)\.mxl$")
_ARCHIVE = re.compile(r"\.(zip|tar|tar\.\w+|tgz)$", re.IGNORECASE)


class ScorePath(NamedTuple):
    """What a score's path says of it."""

    collection: str
    tempo: float
    composer: str
    title: str
    source: str


def parse_path(path: str) -> ScorePath | None:
    """A path in an archive; None for anything but a score.

    Examples
    --------
    >>> parse_path("Lieder-main/scores/Wolf,_Hugo/Eichendorff-Lieder/02_Der_Musikant/lc1.mxl").title
    'Der Musikant, from Eichendorff-Lieder'
    """
    found = _SCORE.search(path)
    if found is None:
        return None
    composer, folders, number, kind = found.groups()
    collection, tempo = _COLLECTIONS[kind]
    *sets, song = folders.split("/")
    sets = [name for name in sets if name != "_"]
    name = song.replace("_", " ").strip()
    title = re.sub(r"^\d+\s+(?=\D)", "", name) if kind == "lc" and sets else name
    if sets:
        title += f", from {' '.join(sets).replace('_', ' ')}"
    source = "/".join([collection, composer, *sets, f"{number}.mxl"])
    name = re.sub(r"\s*\(.*\)$", "", composer.replace("_", " "))  # née, or another name
    return ScorePath(collection, tempo, name, title, source)


def surnames(composers: Iterable[str]) -> dict[str, str]:
    """The label of each "Surname, First names".

    Examples
    --------
    >>> surnames(["Schumann, Clara", "Wolf, Hugo", "Schumann, Robert"])["Schumann, Clara"]
    'C. Schumann'
    """
    sharing = defaultdict(set)
    for composer in composers:
        sharing[composer.partition(", ")[0]].add(composer)
    labels = {}
    for surname, whole in sharing.items():
        for composer in whole:
            first = composer.partition(", ")[2]
            labels[composer] = f"{first[0]}. {surname}" if first and len(whole) > 1 else surname
    return labels


def score_files(root: str | os.PathLike) -> Iterator[MidiFile | LeftOut]:
    """The scores of an archive or folder, and of the archives that lie in that folder."""
    root = pathlib.Path(root)
    inside = sorted(root.iterdir()) if root.is_dir() else []
    for place in (root, *(file for file in inside if _ARCHIVE.search(file.name))):
        yield from entries(place, wanted=_is_score)


def _is_score(path: str) -> bool:
    return parse_path(path) is not None


def read_openscore(entry: MidiFile) -> list[Piece] | LeftOut:
    """One score; its label is still the composer's whole name."""
    warnings.simplefilter("ignore")
    content = load(entry)
    if isinstance(content, LeftOut):
        return content
    said = parse_path(entry.path)
    collection = Collection(said.composer, "", said.collection, said.tempo, TERMS)
    with tempfile.TemporaryDirectory(prefix="prism-") as folder:
        file = pathlib.Path(folder, "score.mxl")
        file.write_bytes(content)
        try:
            pieces = list(read_score_file(file, said.source, collection))
        except CorpusError as error:
            return LeftOut(entry.path, "music21 could not parse the file", str(error))
    return [dataclasses.replace(piece, title=said.title) for piece in pieces]


def prepare_openscore(
    root: str | os.PathLike | None,
    cache: pathlib.Path,
    processes: int = 2,
    minimum_pieces: int = MINIMUM_PIECES,
    scheduler: str = LOCAL,
) -> tuple[Corpus, Report]:
    """Prepare the scores of `score_files`; parameters as for `prism.corpora.preparation.prepare`.

    Without a `root` the `ARCHIVES` are fetched into the cache.

    Raises
    ------
    CorpusError
        If there are no scores, they cannot be fetched, or no composer has enough.
    """
    check_minimum(minimum_pieces)
    if root is None:
        root = cache / "archives"
        for archive in ARCHIVES:
            fetch(archive, root, _is_score)
    files, report = list(score_files(root)), Report()
    if not files:
        raise CorpusError(
            f"{root} holds no scores of OpenScore: expected the archive of its repository Lieder "
            "or StringQuartets, or a folder with either"
        )
    where = scheduler, processes
    pieces = read_scores(files, read_openscore, cache, where, report, title="openscore")
    labels = surnames(piece.label for piece in pieces)
    named = [dataclasses.replace(piece, label=labels[piece.label]) for piece in pieces]
    corpus = _split_in_three(named, report, minimum_pieces)
    if not corpus.pieces:
        raise CorpusError(
            f"{root}: no composer has {minimum_pieces} usable pieces; lower --minimum-pieces (at "
            "least 3)"
        )
    return corpus, report


def _split_in_three(pieces: list[Piece], report: Report, minimum_pieces: int) -> Corpus:
    """As `assemble`; a label that cannot be in all splits goes, and the rest again."""
    while True:
        found = Report()
        corpus = assemble(pieces, found, minimum_pieces)
        counts = Counter(corpus.piece_labels)
        there = set(zip(corpus.piece_labels, corpus.splits, strict=True))
        unsplit = {k for k in counts if any((k, split) not in there for split in SPLITS)}
        if not unsplit:
            report.skipped += found.skipped
            report.labels += found.labels
            return corpus
        report.labels += sorted((label, counts[label]) for label in unsplit)
        pieces = [piece for piece in pieces if piece.label not in unsplit]
