"""MIDI files in a tree ``Artist/Song.mid``, or in an archive of one, read into `Piece` records.

Conventions
-----------
label
    The topmost folder, whatever lies between it and the file.
title
    The file's name without its ending.
archive
    ``.zip``, or ``.tar`` plain or compressed; read member by member, never unpacked to disk.
    Folders around all artists, as most archives have, are not taken for an artist.
left out
    A file that cannot be used comes back as `LeftOut`, with a short reason that can be counted
    and the reader's own words; no file stops a preparation.
"""

from __future__ import annotations

import dataclasses
import lzma
import os
import pathlib
import re
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from prism.corpora.music21 import CorpusError
from prism.midi import MidiError, read_midi
from prism.music import TICKS_PER_BEAT, Piece

MAX_FILES = 500_000
MAX_FILE_BYTES = 2**20
MAX_NOTES = 50_000
MAX_BEATS = 4_000
# The prepared file stores durations and rests as 16-bit ticks.
MAX_NOTE_BEATS = 32_767 // TICKS_PER_BEAT
TEMPO_RANGE = (10.0, 1000.0)
TERMS = "unknown: supplied by the user"

_MIDI_NAME = re.compile(r"\.midi?\"?$", re.IGNORECASE)
_ZERO_TEMPO = b"\xff\x51\x03\x00\x00\x00"
_ARCHIVE_ERRORS = (
    zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
    RuntimeError, NotImplementedError,
)  # fmt: skip
# What `prism.midi` says, and what it comes down to.
_REASONS = (
    ("is empty", "an empty file"),
    ("cut short", "cut short"),
    ("begins with|bytes long|time division|no tracks|of type", "not a MIDI header Prism reads"),
    ("is larger than", f"more than {MAX_FILE_BYTES} bytes"),
    (r"has \d+ notes", f"more than {MAX_NOTES} notes"),
    ("lie beyond", f"more than {MAX_BEATS} beats"),
    ("make no sense", "events that make no sense"),
)


class LeftOut(NamedTuple):
    """Why a file is not in a corpus.

    Parameters
    ----------
    file : str
        Path below the tree's root.
    reason : str
        Short, the same for all files with the same fault.
    detail : str
        The reader's own words, or empty.
    """

    file: str
    reason: str
    detail: str = ""


class Name(NamedTuple):
    """What a file's path says about it: artist, title, and a key its versions share."""

    artist: str
    title: str
    song: str


class Entry(NamedTuple):
    """A file named like MIDI: its path below the root, and how to get its bytes."""

    path: str
    read: Callable[[], bytes]


@dataclasses.dataclass(frozen=True)
class Layout:
    """How a collection names its files.

    Parameters
    ----------
    name : str
        What the command line calls it.
    parse : callable
        From a path below the root to a `Name`, or `None` where the path has no artist.
    terms : str
        The terms the files are used under.
    merge_artists : callable or None
        From all artist names (with repeats) to a dict from each to the label it counts to.
    """

    name: str
    parse: Callable[[str], Name | None]
    terms: str = TERMS
    merge_artists: Callable[[list[str]], dict[str, str]] | None = None


def parse_name(path: str) -> Name | None:
    """``Artist/any/folders/Song.mid`` → artist, title and song; `None` without an artist."""
    parts = [part for part in path.split("/") if part not in ("", ".", "..")]
    if len(parts) < 2:
        return None
    artist, title = tidy(parts[0]), tidy(_MIDI_NAME.sub("", parts[-1]))
    if not artist:
        return None
    return Name(artist, title or artist, "/".join(parts))


def tidy(text: str) -> str:
    """Valid, composed Unicode on one line: names from other systems may be neither."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", text)
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()


FOLDER = Layout("folder", parse_name)


def is_midi_name(name: str) -> bool:
    """Whether a file's name ends in .mid or .midi, in any case."""
    return bool(_MIDI_NAME.search(name))


def entries(root: str | os.PathLike) -> Iterator[Entry | LeftOut]:
    """Everything named like MIDI below a folder or in an archive.

    Parameters
    ----------
    root : path
        A folder, a .zip, or a .tar, plain or compressed.

    Yields
    ------
    Entry or LeftOut
        The latter for a folder, a pipe or a broken link with such a name.

    Raises
    ------
    CorpusError
        If there is no such folder or archive, the archive is damaged, or it holds more than
        `MAX_FILES` such names.
    """
    root = pathlib.Path(root)
    try:
        for count, entry in enumerate(_source(root), start=1):
            if count > MAX_FILES:
                raise CorpusError(f"{root} holds more than {MAX_FILES} MIDI files; split it")
            yield entry
    except _ARCHIVE_ERRORS as error:
        raise CorpusError(f"{root} cannot be read ({error}); get it again") from error


def archive_wrapper(paths: Iterable[str]) -> str:
    """The folders, with their slashes, around all of an archive's artist folders, if any."""
    parts = [path.split("/") for path in paths]
    depth = 0
    while parts and all(len(p) > depth + 2 for p in parts) and len({p[depth] for p in parts}) == 1:
        depth += 1
    return "".join(f"{folder}/" for folder in parts[0][:depth]) if parts else ""


def _source(root: pathlib.Path) -> Iterator[Entry | LeftOut]:
    if root.is_dir():
        return _in_folder(root)
    if not root.is_file():
        raise CorpusError(f"{root}: no such folder or archive")
    if zipfile.is_zipfile(root):
        return _in_zip(root)
    if tarfile.is_tarfile(root):
        return _in_tar(root)
    raise CorpusError(f"{root} is neither a folder nor a .zip or .tar(.gz, .xz) archive")


def _in_folder(root: pathlib.Path) -> Iterator[Entry | LeftOut]:
    refused: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=refused.append):
        folders.sort()
        for name in sorted(filter(is_midi_name, folders + files)):
            file = pathlib.Path(folder, name)
            path = file.relative_to(root).as_posix()
            # A pipe would make the reader wait for ever.
            opened = _reader(lambda f=file: f.open("rb"))
            yield Entry(path, opened) if file.is_file() else _no_file(path)
    for error in refused:
        yield LeftOut(tidy(str(error.filename)), "the folder could not be opened", str(error))


def _in_zip(root: pathlib.Path) -> Iterator[Entry | LeftOut]:
    with zipfile.ZipFile(root) as archive:
        for info in sorted(archive.infolist(), key=lambda info: info.filename):
            path = info.filename.rstrip("/")
            if is_midi_name(path):
                opened = _reader(lambda i=info: archive.open(i))
                yield _no_file(path) if info.is_dir() else Entry(path, opened)


def _in_tar(root: pathlib.Path) -> Iterator[Entry | LeftOut]:
    """In the archive's own order: going back in a compressed file means beginning again."""
    with tarfile.open(root) as archive:
        for info in archive:
            if is_midi_name(info.name):
                opened = _reader(lambda i=info: archive.extractfile(i))
                yield Entry(info.name, opened) if info.isfile() else _no_file(info.name)


def _no_file(path: str) -> LeftOut:
    return LeftOut(tidy(path), "a folder or link, not a file")


def _reader(opened: Callable) -> Callable[[], bytes]:
    """Read at most one byte more than allowed, however large a member says it is."""

    def read() -> bytes:
        with opened() as file:
            return file.read(MAX_FILE_BYTES + 1)

    return read


def load(entry: Entry) -> bytes | LeftOut:
    """An entry's bytes; a file that cannot be opened, decrypted or inflated is left out."""
    try:
        return entry.read()
    except _ARCHIVE_ERRORS as error:
        return LeftOut(tidy(entry.path), "the file could not be opened", str(error))


def read_content(content: bytes) -> Piece | LeftOut:
    """One file's music, without a name yet.

    Parameters
    ----------
    content : bytes
        Of a file; limits are this module's constants, all tighter than `prism.midi`'s.
    """
    if len(content) > MAX_FILE_BYTES:
        return LeftOut("", f"more than {MAX_FILE_BYTES} bytes")
    if _ZERO_TEMPO in content:
        return LeftOut("", "a tempo of 0 microseconds a beat")
    try:
        piece = read_midi(content)
    except MidiError as error:
        return LeftOut("", _reason(str(error)), str(error).removeprefix("MIDI data: "))
    except (ValueError, ArithmeticError, MemoryError) as error:
        return LeftOut("", "not readable as MIDI", f"{type(error).__name__}: {error}")
    reason = _beyond_limits(piece)
    return LeftOut("", reason) if reason else piece


def _reason(message: str) -> str:
    found = (reason for pattern, reason in _REASONS if re.search(pattern, message))
    return next(found, "not readable as MIDI")


def _beyond_limits(piece: Piece) -> str | None:
    if not len(piece.notes):
        return "no notes but drums"
    if len(piece.notes) > MAX_NOTES:
        return f"more than {MAX_NOTES} notes"
    if piece.ticks > MAX_BEATS * TICKS_PER_BEAT:
        return f"more than {MAX_BEATS} beats"
    longest = max(int(piece.notes[:, 1].max()), int(np.diff(piece.notes[:, 0], prepend=0).max()))
    if longest > MAX_NOTE_BEATS * TICKS_PER_BEAT:
        return f"a note or rest of more than {MAX_NOTE_BEATS} beats"
    if not TEMPO_RANGE[0] <= piece.tempo <= TEMPO_RANGE[1]:
        return f"a tempo outside {TEMPO_RANGE[0]:g} to {TEMPO_RANGE[1]:g}"
    return None


def named(piece: Piece, path: str, layout: Layout, root: str) -> Piece | LeftOut:
    """Give a piece what its path says: label, title, source, terms, and its song as group."""
    name = layout.parse(path)
    if name is None:
        return LeftOut(tidy(path), "no artist folder above the file")
    return dataclasses.replace(
        piece,
        identifier=tidy(path),
        title=name.title,
        label=name.artist,
        source=f"{tidy(root)}/{tidy(path)}",
        terms=layout.terms,
        group=tidy(name.song),
    )
