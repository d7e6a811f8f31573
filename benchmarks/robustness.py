"""Damaged MIDI files through all that reads them: the reader, preparation and upload.

Pieces of the bundled corpus are written as MIDI files; in each, a few places get other bytes, lose
some, or get some twice. Every file has to be read or refused by name. They are read in a process
apart, so that a crash of it is counted, and the next file read in another.

crashes
    Processes that died.
unnamed_errors
    Files refused by an error that was not foreseen.
peak_mb
    The most memory that the process took above what it held before it read anything.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import multiprocessing
import pathlib
import re
import time
from collections.abc import Callable, Iterator

import numpy as np
import report

from prism import ROOT
from prism.corpora.files import LeftOut
from prism.corpora.folder import NOT_READABLE, read_content
from prism.corpora.prepared import Corpus
from prism.corpora.summaries import summarised
from prism.music.midi import MidiError, read_midi, write_midi
from prism.music.roll import TICKS_PER_FRAME
from prism.service.upload import UploadError, read_upload

FILES, QUICK_FILES = 5000, 300
PIECES = 40
HEAD_BYTES = 80
MAX_SECONDS, MAX_MB = 2, 300


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a route made of a file: ``read``, ``refused``, ``crashed`` or an error's own words."""

    file: int
    route: str
    what: str
    seconds: float = 0.0
    megabytes: float = 0.0


def reader(data: bytes) -> str:
    """As `prism.music` does."""
    try:
        read_midi(data)
    except MidiError:
        return "refused"
    return "read"


def preparation(data: bytes) -> str:
    """As a corpus is prepared."""
    read = read_content(data)
    if isinstance(read, LeftOut):
        return read.detail if read.reason == NOT_READABLE else "refused"
    summarised(read[0])
    return "read"


def upload(data: bytes) -> str:
    """As the page does."""
    try:
        read_upload("file.mid", base64.b64encode(data).decode()).shown()
    except UploadError:
        return "refused"
    return "read"


ROUTES: tuple[Callable[[bytes], str], ...] = (reader, preparation, upload)


@functools.cache
def originals() -> list[bytes]:
    """Pieces of the bundled corpus as MIDI files."""
    pieces = Corpus.load(ROOT / "assets" / "corpus").pieces
    return [
        write_midi(piece.window(frames=-(-piece.ticks // TICKS_PER_FRAME)))
        for piece in pieces[:: len(pieces) // PIECES][:PIECES]
    ]


def mutated(seed: int) -> bytes:
    """One of the files with up to four places damaged, half of them near its beginning."""
    random = np.random.default_rng(seed)
    data = originals()[random.integers(PIECES)]
    for _ in range(random.integers(1, 5)):
        place = int(random.integers(random.choice([HEAD_BYTES, len(data) + 1])))
        lost = int(random.choice([0, 1, 1, 4, 200]))
        copied = data[place : place + int(random.choice([0, 3, 500]))]
        new = random.bytes(random.integers(3)) + copied
        data = data[:place] + new + data[place + lost :]
    return data


def tried(file: int, route: Callable[[bytes], str], data: bytes) -> Outcome:
    """What a route makes of a file."""
    started = time.perf_counter()
    try:
        what = route(data)
    except Exception as error:  # what is counted
        what = f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - started
    return Outcome(file, route.__name__, what, seconds, kilobytes("VmHWM") / 1024)


def kilobytes(name: str) -> int:
    """A line of this process's status."""
    status = pathlib.Path("/proc/self/status").read_text()
    return int(re.search(name + r":\s+(\d+)", status)[1])


def _work(connection) -> None:
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = kilobytes("VmRSS") / 1024
    for file, data in iter(connection.recv, None):
        found = [tried(file, route, data) for route in ROUTES]
        connection.send([dataclasses.replace(o, megabytes=o.megabytes - before) for o in found])


def outcomes(count: int) -> Iterator[Outcome]:
    """Of every file and route; a process that dies counts to the file it was at."""
    spawn = multiprocessing.get_context("spawn")
    files = iter(range(count))
    while (file := next(files, None)) is not None:
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=_work, args=(theirs,))
        process.start()
        theirs.close()
        try:
            while file is not None:
                ours.send((file, mutated(file)))
                yield from ours.recv()
                file = next(files, None)
            ours.send(None)
        except (EOFError, OSError):
            yield Outcome(file, "process", "crashed")
        process.join()


def measured(found: list[Outcome], count: int) -> dict:
    """The figures."""
    named = ("read", "refused", "crashed")
    unnamed = sorted({o.what for o in found if o.what not in named})
    return {
        "files": count,
        "crashes": sum(o.what == "crashed" for o in found),
        "unnamed_errors": len({o.file for o in found if o.what not in named}),
        "slowest_seconds": round(max(o.seconds for o in found), 3),
        "peak_mb": round(max(o.megabytes for o in found), 1),
        "read": {
            route.__name__: sum(o.route == route.__name__ and o.what == "read" for o in found)
            for route in ROUTES
        },
        "errors": unnamed[:5],
    }


def main() -> None:
    """Damage, read and report."""
    options = report.parser(__doc__)
    options.add_argument("--files", type=int, help=f"how many (default: {FILES})")
    options = options.parse_args()
    count = options.files or (QUICK_FILES if options.quick else FILES)
    found = list(outcomes(count))
    figures = measured(found, count)
    read = ", ".join(f"{number:,} ({route})" for route, number in figures["read"].items())
    text = (
        f"Of {count:,} damaged files {read} are read, the others refused by name: "
        f"{figures['crashes']} crashes, {figures['unnamed_errors']} errors that nobody foresaw. "
        f"The slowest takes {figures['slowest_seconds']} s and the largest {figures['peak_mb']} "
        f"MB; {MAX_SECONDS} s and {MAX_MB} MB are allowed. On {report.machine()}."
    )
    report.publish("robustness", text, figures, options)


if __name__ == "__main__":
    main()
