"""Files named like MIDI, in a folder or an archive, and how to get their bytes.

Conventions
-----------
archive
    ``.zip``, or ``.tar`` plain or compressed; read member by member, never unpacked to disk, and
    once from beginning to end.
wrapper
    Folders around all artists, as most archives have, are not taken for an artist, in a folder as
    in an archive; files that lie beside or in them, as long as they are fewer than those of the
    artists, have none. One artist with nearly all files in albums looks the same; the report says
    what was taken for a wrapper.
hidden
    Whatever lies in ``__MACOSX`` or in a folder whose name begins with a dot and a letter, and
    ``._`` files: the operating system put it there. Such names are reported, but not read.
names
    In the encoding that a ``.zip`` states for them; else, and in folders and in ``.tar`` wherever
    they are not UTF-8, see `prism.music.metadata.encoding_of`, of all such names of a ``.zip``
    together. A backslash stands between folders in what Windows packed, and in a path without any
    slash.
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
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from prism.music.metadata import encoding_of, one_line

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
HIDDEN = "hidden, or put there by the system"
MIDI_NAME = re.compile(r"\.midi?\"?$", re.IGNORECASE)
# Not ".38 Special", a band.
_HIDDEN_PATH = re.compile(r"(^|/)(__MACOSX/|\._|\.[^\W\d_][^/]*/)")
_ZIP_UTF8 = 0x800
_ZIP_WINDOWS = 0
_ZIP_ENCODING, _OTHER_ENCODING = "cp437", "cp1252"


class CorpusError(ValueError):
    """A collection that cannot be turned into pieces; the message says which file and why."""


class LeftOut(NamedTuple):
    """Why a file, named by its path below the root, is not in a corpus.

    `reason` is the same for all files with the same fault; `detail` holds the reader's own words.
    """

    file: str
    reason: str
    detail: str = ""


class MidiFile(NamedTuple):
    """A file named like MIDI, by its path below the root; other processes can read it, too.

    `read` gives its bytes, `companion` its companion's; `stamp` is another one when either changed.
    """

    path: str
    read: Callable[[], bytes]
    stamp: str = ""
    companion: Callable[[], bytes] | None = None


def path_of(entry: Any) -> str:
    """The path of a file of any kind, or of one that was left out."""
    return entry.file if isinstance(entry, LeftOut) else entry.path


def tidy(text: str) -> str:
    """Valid, composed Unicode on one line: names from other systems may be neither."""
    return one_line(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def is_midi_name(name: str) -> bool:
    """Whether a file's name ends in .mid or .midi, in any case."""
    return bool(MIDI_NAME.search(name))


def entries(
    root: str | os.PathLike, companion: str = "", wanted: Callable[[str], bool] = is_midi_name
) -> Iterator[MidiFile | LeftOut]:
    """Everything named like MIDI, or whose path is `wanted`, below a folder or in an archive.

    Files are joined to a companion of the given name, if there is one beside them. What is hidden,
    a folder, a pipe or a broken link with such a name comes as `LeftOut`. Raises CorpusError if
    there is no such folder or archive, it is damaged, or it holds more than `MAX_FILES` such names.
    """
    root = pathlib.Path(root)
    try:
        for count, entry in enumerate(_source(root, companion, wanted), start=1):
            if count > MAX_FILES:
                raise CorpusError(f"{root} holds more than {MAX_FILES} MIDI files; split it")
            yield _unless_hidden(entry)
    except ARCHIVE_ERRORS as error:
        raise CorpusError(f"{root} cannot be read ({error}); get it again") from error


def check_source(root: pathlib.Path) -> None:
    """Raise CorpusError if there is no such folder or archive."""
    if not (root.is_dir() or root.is_file()):
        raise CorpusError(f"{root}: no such folder or archive")


def expected_files(root: str | os.PathLike) -> int | None:
    """How many names `entries` will give, or None for a .tar, which would have to be read."""
    root = pathlib.Path(root)
    if root.is_dir():
        return sum(is_midi_name(name) for _, *names in os.walk(root) for name in sum(names, []))
    if zipfile.is_zipfile(root):
        with zipfile.ZipFile(root) as archive:
            return sum(is_midi_name(path.rstrip("/")) for path in _zip_members(archive))
    return None


def _unless_hidden(entry: MidiFile | LeftOut) -> MidiFile | LeftOut:
    path = path_of(entry)
    return LeftOut(tidy(path), HIDDEN) if _HIDDEN_PATH.search(path) else entry


def artists_wrapper(files: Iterable[tuple[str, Any]]) -> str:
    """The folders, with their slashes, around all artist folders of a root, if any.

    `files` are path and result of every file.
    """
    counted = (path for path, result in files if _reason(result) not in (NO_FILE, HIDDEN))
    above = list(filter(None, (path.split("/")[:-1] for path in counted)))
    depth = 0
    while len({folders[depth] for folders in above if len(folders) > depth}) == 1:
        depth += 1
    loose = sum(len(folders) <= depth for folders in above)
    if 2 * loose >= len(above):
        # A single artist, with folders for some of the songs.
        depth = min((len(folders) for folders in above), default=1) - 1
    return "".join(f"{folder}/" for folder in max(above, key=len)[:depth]) if above else ""


def _reason(result: Any) -> str:
    return result.reason if isinstance(result, LeftOut) else ""


def _source(
    root: pathlib.Path, companion: str, own: Callable[[str], bool]
) -> Iterator[MidiFile | LeftOut]:
    def wanted(path: str) -> bool:
        return own(path) or bool(companion) and _is_named(path, companion)

    check_source(root)
    if root.is_dir():
        found = _in_folder(root, wanted)
    elif zipfile.is_zipfile(root):
        found = _in_zip(root, wanted)
    elif tarfile.is_tarfile(root):
        found = _in_tar(root, wanted)
    else:
        raise CorpusError(f"{root} is neither a folder nor a .zip or .tar(.gz, .xz) archive")
    return _with_companions(found, companion) if companion else found


def _is_named(path: str, name: str) -> bool:
    return pathlib.PurePosixPath(path).name == name


def _in_folder(root: pathlib.Path, wanted: Callable[[str], bool]) -> Iterator[MidiFile | LeftOut]:
    refused: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=refused.append):
        folders.sort()
        for name in sorted(folders + files):
            file = pathlib.Path(folder, name)
            path = _plain_path(file.relative_to(root).as_posix())
            if not wanted(path):
                continue
            # Reading a pipe would block.
            if not file.is_file():
                yield _no_file(path)
                continue
            state = file.stat()
            read = functools.partial(_read_file, file.absolute())
            yield MidiFile(path, read, f"{state.st_size} {state.st_mtime_ns}")
    for error in refused:
        yield LeftOut(tidy(str(error.filename)), "the folder could not be opened", str(error))


def _read_file(file: pathlib.Path) -> bytes:
    with file.open("rb") as content:
        return _bounded(content)


def _bounded(file) -> bytes:
    """At most one byte more than allowed, however large a member says it is."""
    return file.read(MAX_FILE_BYTES + 1)


def _plain_path(path: str, windows: bool = False) -> str:
    """A path with slashes, and without the escapes that stand for bytes which are not UTF-8."""
    # Decoded first: in Shift-JIS a letter's second byte may be that of a backslash.
    decoded = path if path.isascii() else "/".join(map(_plain_name, path.split("/")))
    return decoded.replace("\\", "/") if windows or "/" not in decoded else decoded


def _plain_name(name: str) -> str:
    # Each by itself: a folder is called alike above all its files.
    raw = name.encode("utf-8", "surrogateescape")
    return raw.decode(encoding_of(raw, _OTHER_ENCODING), "replace")


def _in_zip(root: pathlib.Path, wanted: Callable[[str], bool]) -> Iterator[MidiFile | LeftOut]:
    with zipfile.ZipFile(root) as archive:
        infos = _zip_members(archive)
    for name, info in sorted(infos.items()):
        path = name.rstrip("/")
        if wanted(path):
            read = functools.partial(_read_member, root.absolute(), info)
            file = MidiFile(path, read, f"{info.file_size} {info.CRC}")
            yield _no_file(path) if name != path else file


def _zip_members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """An archive's members by their paths; those of folders end in a slash."""
    infos = archive.infolist()
    raw = b"\n".join(_raw_name(info) for info in infos if _is_undeclared(info))
    encoding = encoding_of(raw, _ZIP_ENCODING)
    paths = [
        _raw_name(info).decode(encoding, "replace") if _is_undeclared(info) else info.filename
        for info in infos
    ]
    return {
        _plain_path(path, info.create_system == _ZIP_WINDOWS): info
        for path, info in zip(paths, infos, strict=True)
    }


def _is_undeclared(info: zipfile.ZipInfo) -> bool:
    """Whether a name may be in any encoding; zipfile has taken it for `_ZIP_ENCODING`."""
    return not info.flag_bits & _ZIP_UTF8 and info.filename == info.orig_filename


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode(_ZIP_ENCODING)


@functools.lru_cache(maxsize=1)
def _opened_zip(root: pathlib.Path) -> zipfile.ZipFile:
    """Kept open: an archive's table of contents is read anew each time it is opened."""
    return zipfile.ZipFile(root)


def _read_member(root: pathlib.Path, info: zipfile.ZipInfo) -> bytes:
    with _opened_zip(root).open(info) as content:
        return _bounded(content)


def _in_tar(root: pathlib.Path, wanted: Callable[[str], bool]) -> Iterator[MidiFile | LeftOut]:
    """In the archive's own order: going back in a compressed file means beginning again."""
    with tarfile.open(root) as archive:
        for info in archive:
            path = _plain_path(info.name)
            if wanted(path) and info.isfile():
                content = _bounded(archive.extractfile(info))
                stamp = hashlib.sha256(content).hexdigest()
                yield MidiFile(path, functools.partial(bytes, content), stamp)
            elif wanted(path):
                yield _no_file(path)


def _with_companions(
    found: Iterable[MidiFile | LeftOut], companion: str
) -> Iterator[MidiFile | LeftOut]:
    """Join each file to its companion, which may come before or after it: all are held."""
    files = list(found)
    by_path = {file.path: file for file in files if isinstance(file, MidiFile)}
    for file in files:
        if _is_named(path_of(file), companion):
            continue
        if isinstance(file, MidiFile):
            path = pathlib.PurePosixPath(file.path).with_name(companion).as_posix()
            if beside := by_path.get(path):
                stamp = f"{file.stamp} {beside.stamp}"
                file = file._replace(stamp=stamp, companion=beside.read)
        yield file


def _no_file(path: str) -> LeftOut:
    return LeftOut(tidy(path), NO_FILE)


def load(entry: MidiFile) -> bytes | LeftOut:
    """An entry's bytes; a file that cannot be opened, decrypted or inflated is left out."""
    try:
        return entry.read()
    except ARCHIVE_ERRORS as error:
        return LeftOut(entry.path, "the file could not be opened", str(error))
