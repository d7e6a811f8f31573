"""Time preparing MIDI files, beside a plain loop over the same files with pretty_midi.

By default the files are written from the bundled corpus, so that anyone can run it; ``--from``
takes a folder of others, with a folder an artist. The loop does less than Prism: it yields the same
notes on the same grid, but looks for no duplicates, cuts no windows and writes nothing.
"""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tempfile
import time
import tracemalloc

import numpy as np
import pretty_midi
import report

from prism import ROOT
from prism.corpora import folder
from prism.corpora.files import LeftOut, is_midi_name
from prism.corpora.midi_preparation import MidiReport, read_pieces, select
from prism.corpora.prepared import Corpus
from prism.corpora.scheduling import opened_pool
from prism.corpora.sharded import Selection
from prism.music.midi import write_midi
from prism.music.roll import (
    KEYS,
    LOWEST_PITCH,
    TICKS_PER_BEAT,
    TICKS_PER_FRAME,
    without_overlaps,
)

PROCESSES = 2
FILES, QUICK_FILES = 2000, 300
PLAIN_FILES, QUICK_PLAIN_FILES = 300, 60
MEMORY_COPIES = 8
MANY_CORES = 100
_BATCHES = """
import pathlib, re, sys
import torch
from prism.corpora.prepared import Corpus
from prism.corpora.sharded import load_corpus
from prism.corpora.dataset import WindowSampler
def kilobytes(name):
    return int(re.search(name + r":\\s+(\\d+)", pathlib.Path("/proc/self/status").read_text())[1])
pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
before = kilobytes("VmRSS")
sampler = WindowSampler(load_corpus(sys.argv[1]))
for step in range(20):
    sampler.batch(16, seed=0, step=step)
print((kilobytes("VmHWM") - before) / 1024)
"""


def bundled_files(target: pathlib.Path, count: int) -> pathlib.Path:
    """Write pieces of the bundled corpus as MIDI files; returns the folder."""
    pieces = Corpus.load(ROOT / "assets" / "corpus").pieces
    for number, piece in enumerate(pieces[:: max(1, len(pieces) // count)][:count]):
        path = target / piece.label.replace("/", " ") / f"{number}.mid"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_midi(piece.window(frames=-(-piece.ticks // TICKS_PER_FRAME)), path)
    return target


def plain_notes(path: pathlib.Path) -> np.ndarray:
    """A file's notes as `prism.music.midi.read_midi` gives them, in the ways pretty_midi offers."""
    midi = pretty_midi.PrettyMIDI(str(path))
    rows = [
        (note.pitch, midi.time_to_tick(note.start), midi.time_to_tick(note.end), note.velocity)
        for instrument in midi.instruments
        if not instrument.is_drum
        for note in instrument.notes
        if LOWEST_PITCH <= note.pitch < LOWEST_PITCH + KEYS
    ]
    pitch, start, end, velocity = np.array(rows, np.int64).reshape(-1, 4).T
    start, end = (
        (2 * TICKS_PER_BEAT * ticks + midi.resolution) // (2 * midi.resolution)
        for ticks in (start, end)
    )
    pitch, start, end, velocity = without_overlaps(
        pitch, start, np.maximum(end, start + 1), velocity
    )
    notes = np.stack([start, end - start, pitch, velocity], axis=1).astype(np.int32)
    return notes[np.lexsort((pitch, start))]


def plain_loop(paths: list[pathlib.Path]) -> tuple[float, int, int]:
    """Seconds of the loop, how many files it read, and how many with the very notes Prism reads."""
    started, found = time.perf_counter(), {}
    for path in paths:
        try:
            found[path] = plain_notes(path)
        except Exception:  # pretty_midi has as many errors as there are broken files
            continue
    seconds = time.perf_counter() - started
    same = sum(
        not isinstance(read, LeftOut) and np.array_equal(read[0].notes, found[path])
        for path, read in ((path, folder.read_content(path.read_bytes())) for path in found)
    )
    return seconds, len(found), same


def prepared(root: pathlib.Path, cache: pathlib.Path) -> tuple[float, Selection, int]:
    """Seconds from files to a chosen corpus, everything read, and files left out."""
    started, notes = time.perf_counter(), MidiReport()
    pieces, shards = read_pieces(root, folder.FOLDER, cache, ("local", PROCESSES), notes)
    unreadable = len(notes.skipped)
    select(pieces, notes, minimum_pieces=3)
    seconds = time.perf_counter() - started
    sides = ("train",) * len(pieces)
    labels = tuple(sorted({piece.label for piece in pieces}))
    return seconds, Selection(tuple(pieces), sides, labels, tuple(shards)), unreadable


def start_seconds() -> float:
    """What it takes to start the local cluster and to end it."""
    started = time.perf_counter()
    with opened_pool("local", PROCESSES):
        pass
    return time.perf_counter() - started


def summary_bytes(root: pathlib.Path, cache: pathlib.Path) -> float:
    """Memory of choosing, a piece: summaries and what is computed of them, at the most."""
    tracemalloc.start()
    _, selection, _ = prepared(root, cache)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / len(selection.pieces)


def training_memory(selection: Selection, target: pathlib.Path) -> dict[str, float]:
    """Peak MB above an idle process when batches are drawn, from 1 and 8 times the pieces."""
    figures = {}
    for copies in (1, MEMORY_COPIES):
        usable = [piece for piece in selection.pieces if not piece.fault] * copies
        many = Selection(
            tuple(usable), ("train",) * len(usable), selection.labels, selection.shards
        )
        many.save(target / f"shards-{copies}")
        many.corpus().save(target / f"memory-{copies}")
        for kind in ("shards", "memory"):
            output = subprocess.run(
                [sys.executable, "-c", _BATCHES, str(target / f"{kind}-{copies}")],
                capture_output=True,
                text=True,
                check=True,
                env=os.environ | {"OMP_NUM_THREADS": "1"},
            )
            figures[f"{kind}_peak_mb_{len(usable)}_pieces"] = round(float(output.stdout), 1)
    return figures


def measured(root: pathlib.Path, scratch: pathlib.Path, plain_files: int) -> dict[str, float]:
    """All figures for a folder of files."""
    paths = sorted(path for path in root.rglob("*") if is_midi_name(path.name))
    start = start_seconds()
    seconds, selection, unreadable = prepared(root, scratch / "cache")
    again, _, _ = prepared(root, scratch / "cache")
    plain_seconds, read, same = plain_loop(paths[:: max(1, len(paths) // plain_files)])
    reading = (seconds - start - again) / len(paths)
    choosing = again / len(paths)
    figures = {
        "files": len(paths),
        "left_out": unreadable,
        "files_per_second": round(len(paths) / (seconds - start), 1),
        "pretty_midi_files_per_second": round(read / plain_seconds, 2),
        "pretty_midi_files": read,
        "same_notes": same,
        "start_seconds": round(start, 2),
        "seconds_a_thousand": round(1000 * (reading + choosing), 2),
        "choosing_seconds_a_thousand": round(1000 * choosing, 3),
        "million_hours_2_cores": round(1e6 * (reading + choosing) / 3600, 2),
        f"million_hours_{MANY_CORES}_cores": round(
            1e6 * (reading * PROCESSES / MANY_CORES + choosing) / 3600, 2
        ),
        "choosing_bytes_a_piece": round(summary_bytes(root, scratch / "cache")),
        "shard_bytes_a_file": round(
            sum(shard.stat().st_size for shard in selection.shards) / len(paths)
        ),
    }
    figures["speedup"] = round(
        figures["files_per_second"] / figures["pretty_midi_files_per_second"], 1
    )
    return figures | training_memory(selection, scratch)


def text_of(figures: dict[str, float], source: str) -> str:
    """The report in words."""
    memory = {name: value for name, value in figures.items() if "_peak_mb_" in name}
    few, many = (
        [value for name, value in memory.items() if name.startswith(kind)]
        for kind in ("shards", "memory")
    )
    counts = sorted({int(name.split("_")[-2]) for name in memory})
    rows = [
        ("Prism, 2 processes", figures["files_per_second"]),
        ("pretty_midi, a plain loop", figures["pretty_midi_files_per_second"]),
    ]
    return "\n".join(
        [
            "| measured | files a second |",
            "|---|---|",
            *(f"| {name} | {value:,} |" for name, value in rows),
            "",
            f"{figures['speedup']} times as fast, on {figures['files']:,} files ({source}); the "
            f"loop reads {figures['pretty_midi_files']:,} of them, {figures['same_notes']:,} to "
            f"the very same notes. A thousand files cost {figures['seconds_a_thousand']} s, of "
            f"which choosing and splitting take {figures['choosing_seconds_a_thousand']} s in one "
            f"process; starting the cluster takes {figures['start_seconds']} s. By these figures "
            f"(not tried) a million such files would take {figures['million_hours_2_cores']} h on "
            f"2 cores and {figures[f'million_hours_{MANY_CORES}_cores']} h on {MANY_CORES}, "
            f"{figures['choosing_bytes_a_piece'] / 1000:.1f} GB of memory to choose and "
            f"{figures['shard_bytes_a_file'] / 1000:.0f} GB of disk. Drawing training batches took "
            f"{few[0]} MB from shards of {counts[0]:,} pieces and {few[1]} MB of {counts[1]:,}; "
            f"from memory {many[0]} and {many[1]} MB. On {report.machine()}.",
        ]
    )


def main() -> None:
    """Measure and report."""
    options = report.parser(__doc__)
    options.add_argument("--from", dest="root", type=pathlib.Path, help="folder of MIDI files")
    options = options.parse_args()
    files = QUICK_FILES if options.quick else FILES
    plain_files = QUICK_PLAIN_FILES if options.quick else PLAIN_FILES
    with tempfile.TemporaryDirectory() as name:
        scratch = pathlib.Path(name)
        root = options.root or bundled_files(scratch / "files", files)
        source = options.root.name if options.root else "pieces of the bundled corpus"
        figures = measured(root, scratch, plain_files)
    report.publish("preparation", text_of(figures, source), figures, options)


if __name__ == "__main__":
    main()
