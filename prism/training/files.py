"""The files of a run: each whole or not there, as a run may be killed while it writes.

A stage logs a row a step (`StepLog`). The sample of every evaluation, drawn from the same noise
each time, lies in a file of its own while training goes on, so that a resumed run keeps them; the
weights get them all in one, ``samples.json``.
"""

from __future__ import annotations

import csv
import json
import pathlib

from prism.music.roll import PianoRoll
from prism.music.writing import explained, write_text

RECORD_FILE = "training.json"
SAMPLES_FILE = "samples.json"
COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "seconds", "wait_seconds")


class StepLog:
    """Appends to a CSV file; rows of steps that a killed run must do again are dropped.

    Its columns are `COLUMNS`: ``seconds`` is the time the step took, ``wait_seconds`` how much of
    it went by before its batch was there. `step` steps are done already.
    """

    def __init__(self, path: pathlib.Path, step: int = 0) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        rows = [line.split(",") for line in lines[1:]]
        kept = [row for row in rows if len(row) == len(COLUMNS) and int(row[0]) <= step]
        write_text(path, "".join(",".join(row) + "\n" for row in [COLUMNS, *kept]))
        self._path = path
        self._rows: list[dict] = []

    def add(self, **row: float) -> None:
        """One step's figures, under the names in `COLUMNS`; kept until `flush`."""
        self._rows.append({name: f"{row[name]:.8g}" for name in COLUMNS})

    def flush(self) -> None:
        """Append what has been added."""
        rows, self._rows = self._rows, []
        with explained(self._path), self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerows(rows)


def keep_sample(roll: PianoRoll, step: int, composer: str, seed: int, folder: pathlib.Path) -> None:
    """Write one evaluation's sample: the roll drawn after `step` steps, its composer and seed."""
    record = {
        "step": step,
        "composer": composer,
        "seed": seed,
        "beats": roll.beats,
        "tempo": roll.tempo,
        "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in roll.notes()],
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"sample-{step:06d}.json"
    write_text(path, json.dumps(record, ensure_ascii=False) + "\n")


def collect_samples(folder: pathlib.Path, path: pathlib.Path) -> None:
    """Write what `keep_sample` has written into a folder as one list, in the order of steps."""
    found = sorted(folder.glob("sample-*.json"))
    lines = ",\n".join(file.read_text(encoding="utf-8").strip() for file in found)
    write_text(path, f"[\n{lines}\n]\n")
