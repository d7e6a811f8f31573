"""The log of a stage: a CSV file with one row a step."""

from __future__ import annotations

import csv
import pathlib

from prism.training.files import write_text

COLUMNS = ("step", "loss", "learning_rate", "gradient_norm", "seconds", "wait_seconds")


class StepLog:
    """Appends to a CSV file; rows of steps that a killed run must do again are dropped.

    Parameters
    ----------
    path : Path
        The file; its columns are `COLUMNS`. ``seconds`` is the time the step took and
        ``wait_seconds`` how much of it went by before its batch was there.
    step : int
        Steps that are done already.
    """

    def __init__(self, path: pathlib.Path, step: int = 0) -> None:
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        kept = [line for line in lines[1:] if _is_done(line, step)]
        write_text(path, "\n".join([",".join(COLUMNS), *kept]) + "\n")
        self._path = path
        self._rows: list[dict] = []

    def add(self, **row: float) -> None:
        """One step's figures, under the names in `COLUMNS`; kept until `flush`."""
        self._rows.append({name: f"{row[name]:.8g}" for name in COLUMNS})

    def flush(self) -> None:
        """Append what has been added."""
        with self._path.open("a", encoding="utf-8", newline="") as file:
            csv.DictWriter(file, COLUMNS, lineterminator="\n").writerows(self._rows)
        self._rows.clear()


def _is_done(line: str, step: int) -> bool:
    cells = line.split(",")
    return len(cells) == len(COLUMNS) and int(cells[0]) <= step
