"""Archives of a repository at one commit, fetched from their home and checked.

Conventions
-----------
digest
    SHA-256 over the wanted files, in the order of their paths below the archive's root: path and
    SHA-256 of each. The archive's own bytes are no measure, as its home may pack the same files
    otherwise another time.
"""

from __future__ import annotations

import functools
import hashlib
import http.client
import pathlib
import urllib.request
from collections.abc import Callable, Iterator
from typing import NamedTuple

from prism.corpora.files import ARCHIVE_ERRORS, CorpusError, MidiFile, entries
from prism.music.progress import ProgressBar
from prism.music.writing import make_folder, write_atomic

_BLOCK_BYTES = 2**20
_WAIT_SECONDS = 60
_GIVE = "fetch it with a browser and give its folder with --from"


class PinnedArchive(NamedTuple):
    """A repository's archive at a commit: where it is, and the digest of what is wanted of it."""

    name: str
    url: str
    digest: str


def digest_of(archive: pathlib.Path, wanted: Callable[[str], bool]) -> str:
    """The digest of an archive's wanted files, see Conventions."""
    rows = sorted(
        f"{entry.path.partition('/')[2]} {hashlib.sha256(entry.read()).hexdigest()}\n"
        for entry in entries(archive, wanted=wanted)
        if isinstance(entry, MidiFile)
    )
    return hashlib.sha256("".join(rows).encode()).hexdigest()


def fetch(archive: PinnedArchive, folder: pathlib.Path, wanted: Callable[[str], bool]) -> None:
    """Fetch an archive into a folder, unless it is there; it is there only once it was checked.

    Raises
    ------
    CorpusError
        If it cannot be had, or does not hold the files that it should.
    WriteError
        If there is no room for it.
    """
    path = folder / f"{archive.name}.zip"
    if not path.is_file():
        make_folder(folder)
        write_atomic(path, functools.partial(_write, archive, wanted))


def _write(archive: PinnedArchive, wanted: Callable[[str], bool], path: pathlib.Path) -> None:
    with path.open("wb") as file:
        for block in _blocks(archive):
            file.write(block)
    try:
        found = digest_of(path, wanted)
    except (CorpusError, *ARCHIVE_ERRORS):
        found = "none: no whole archive"
    if found != archive.digest:
        raise CorpusError(
            f"{archive.url}: what came is not what was expected (SHA-256 {found}, expected "
            f"{archive.digest}), and was thrown away; run it again, or {_GIVE}"
        )


def _blocks(archive: PinnedArchive) -> Iterator[bytes]:
    try:
        with (
            urllib.request.urlopen(archive.url, timeout=_WAIT_SECONDS) as answer,
            ProgressBar(desc=archive.name, unit="MiB") as bar,
        ):
            while block := answer.read(_BLOCK_BYTES):
                yield block
                bar.update()
    except (OSError, http.client.HTTPException) as error:
        raise CorpusError(
            f"{archive.url} could not be fetched ({error}); check the network and run it again, "
            f"or {_GIVE}"
        ) from error
