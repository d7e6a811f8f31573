"""Files named like MIDI, in a folder or an archive, and how to get their bytes.

Conventions
-----------
archive
    ``.zip``, or ``.tar`` plain or compressed; read member by member, never unpacked to disk, and
    once from beginning to end. Folders around all artists, as most archives have, are not taken
    for an artist.
companion
    A file of a given name beside a MIDI file that says more of it, such as where its beats are.
"""

from __future__ import annotations

import functools
import hashlib
import lzma
import os
import pathlib
import re
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

MAX_FILES = 5_000_000
MAX_FILE_BYTES = 2**20
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
)
NO_FILE = "a folder or link, not a file"
MIDI_NAME = re.compile(r"\.midi?\"?$", re.IGNORECASE)


class CorpusError(ValueError):
    """A collection that cannot be turned into pieces; the message says which file and why."""


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


class MidiFile(NamedTuple):
    """A file named like MIDI; may be sent to another process, which can then read it.

    Parameters
    ----------
    path : str
        Below the root.
    read : callable
        Gives its bytes.
    stamp : str
        Another one when the file (or its companion) has changed.
    companion : callable or None
        Gives the companion's bytes.
    """

    path: str
    read: Callable[[], bytes]
    stamp: str = ""
    companion: Callable[[], bytes] | None = None


def tidy(text: str) -> str:
    """Valid, composed Unicode on one line: names from other systems may be neither."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = unicodedata.normalize("NFC", text)
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()


def is_midi_name(name: str) -> bool:
    """Whether a file's name ends in .mid or .midi, in any case."""
    return bool(MIDI_NAME.search(name))


def entries(root: str | os.PathLike, companion: str = "") -> Iterator[MidiFile | LeftOut]:
    """Everything named like MIDI below a folder or in an archive.

    Parameters
    ----------
    root : path
        A folder, a .zip, or a .tar, plain or compressed.
    companion : str
        Name of the companions, if any.

    Yields
    ------
    MidiFile or LeftOut
        The latter for a folder, a pipe or a broken link with such a name.

    Raises
    ------
    CorpusError
        If there is no such folder or archive, the archive is damaged, or it holds more than
        `MAX_FILES` such names.
    """
    root = pathlib.Path(root)
    try:
        for count, entry in enumerate(_source(root, companion), start=1):
            if count > MAX_FILES:
                raise CorpusError(f"{root} holds more than {MAX_FILES} MIDI files; split it")
            yield entry
    except ARCHIVE_ERRORS as error:
        raise CorpusError(f"{root} cannot be read ({error}); get it again") from error


def expected_files(root: str | os.PathLike) -> int | None:
    """How many names `entries` will give, or None for a .tar, which would have to be read."""
    root = pathlib.Path(root)
    if root.is_dir():
        return sum(is_midi_name(name) for _, *names in os.walk(root) for name in sum(names, []))
    if zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            return sum(is_midi_name(name.rstrip("/")) for name in archive.namelist())
    return None


def archive_wrapper(root: pathlib.Path, files: Iterable[tuple[str, Any]]) -> str:
    """The folders, with their slashes, around all of an archive's artist folders, if any.

    Parameters
    ----------
    root : Path
        The archive; around a folder's artists there is none.
    files : iterable of (str, object)
        Path and result of every file, as read.
    """
    if root.is_dir():
        return ""
    parts = [path.split("/") for path, result in files if getattr(result, "reason", "") != NO_FILE]
    depth = 0
    while parts and all(len(p) > depth + 2 for p in parts) and len({p[depth] for p in parts}) == 1:
        depth += 1
    return "".join(f"{folder}/" for folder in parts[0][:depth]) if parts else ""


def _source(root: pathlib.Path, companion: str) -> Iterator[MidiFile | LeftOut]:
    if root.is_dir():
        return _in_folder(root, companion)
    if not root.is_file():
        raise CorpusError(f"{root}: no such folder or archive")
    if zipfile.is_zipfile(root):
        return _in_zip(root, companion)
    if tarfile.is_tarfile(root):
        return _with_companions(_in_tar(root, companion), companion)
    raise CorpusError(f"{root} is neither a folder nor a .zip or .tar(.gz, .xz) archive")


def _in_folder(root: pathlib.Path, companion: str) -> Iterator[MidiFile | LeftOut]:
    refused: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=refused.append):
        folders.sort()
        beside = pathlib.Path(folder, companion) if companion in files else None
        for name in sorted(filter(is_midi_name, folders + files)):
            file = pathlib.Path(folder, name)
            path = file.relative_to(root).as_posix()
            # A pipe would make the reader wait for ever.
            yield _file_entry(path, file, beside) if file.is_file() else _no_file(path)
    for error in refused:
        yield LeftOut(tidy(str(error.filename)), "the folder could not be opened", str(error))


def _file_entry(path: str, file: pathlib.Path, beside: pathlib.Path | None) -> MidiFile:
    reader = functools.partial(_read_file, beside.absolute()) if beside else None
    stamps = [f"{s.st_size} {s.st_mtime_ns}" for s in (f.stat() for f in (file, beside) if f)]
    return MidiFile(path, functools.partial(_read_file, file.absolute()), " ".join(stamps), reader)


def _read_file(file: pathlib.Path) -> bytes:
    with file.open("rb") as content:
        return _bounded(content)


def _bounded(file) -> bytes:
    """At most one byte more than allowed, however large a member says it is."""
    return file.read(MAX_FILE_BYTES + 1)


def _in_zip(root: pathlib.Path, companion: str) -> Iterator[MidiFile | LeftOut]:
    with zipfile.ZipFile(root) as archive:
        infos = {info.filename: info for info in archive.infolist()}
    for name, info in sorted(infos.items()):
        path = name.rstrip("/")
        if not is_midi_name(path):
            continue
        read = functools.partial(_read_member, root.absolute(), info)
        beside = infos.get(_sibling(path, companion)) if companion else None
        reader = functools.partial(_read_member, root.absolute(), beside) if beside else None
        stamp = " ".join(f"{i.file_size} {i.CRC}" for i in (info, beside) if i)
        yield _no_file(path) if info.is_dir() else MidiFile(path, read, stamp, reader)


def _sibling(path: str, name: str) -> str:
    return pathlib.PurePosixPath(path).with_name(name).as_posix()


@functools.lru_cache(maxsize=1)
def _opened_zip(root: pathlib.Path) -> zipfile.ZipFile:
    """Kept open: an archive's table of contents is read anew each time it is opened."""
    return zipfile.ZipFile(root)


def _read_member(root: pathlib.Path, info: zipfile.ZipInfo) -> bytes:
    with _opened_zip(root).open(info) as content:
        return _bounded(content)


def _in_tar(root: pathlib.Path, companion: str) -> Iterator[MidiFile | LeftOut]:
    """In the archive's own order: going back in a compressed file means beginning again.

    Companions are among the entries.
    """
    with tarfile.open(root) as archive:
        for info in archive:
            beside = bool(companion) and pathlib.PurePosixPath(info.name).name == companion
            if not beside and not is_midi_name(info.name):
                continue
            if info.isfile():
                content = _bounded(archive.extractfile(info))
                stamp = hashlib.sha256(content).hexdigest()
                yield MidiFile(info.name, functools.partial(bytes, content), stamp)
            elif not beside:
                yield _no_file(info.name)


def _with_companions(
    found: Iterable[MidiFile | LeftOut], companion: str
) -> Iterator[MidiFile | LeftOut]:
    """Join each file to its companion, whichever comes first; a file waits for one that is late."""
    if not companion:
        yield from found
        return
    companions: dict[str, MidiFile] = {}
    waiting: list[MidiFile] = []
    for entry in found:
        if isinstance(entry, LeftOut):
            yield entry
        elif pathlib.PurePosixPath(entry.path).name == companion:
            companions[entry.path] = entry
        elif _sibling(entry.path, companion) in companions:
            yield _joined(entry, companions[_sibling(entry.path, companion)])
        else:
            waiting.append(entry)
    for entry in waiting:
        yield _joined(entry, companions.get(_sibling(entry.path, companion)))


def _joined(entry: MidiFile, companion: MidiFile | None) -> MidiFile:
    if companion is None:
        return entry
    return entry._replace(stamp=f"{entry.stamp} {companion.stamp}", companion=companion.read)


def _no_file(path: str) -> LeftOut:
    return LeftOut(tidy(path), NO_FILE)


def load(entry: MidiFile) -> bytes | LeftOut:
    """An entry's bytes; a file that cannot be opened, decrypted or inflated is left out."""
    try:
        return entry.read()
    except ARCHIVE_ERRORS as error:
        return LeftOut(entry.path, "the file could not be opened", str(error))
