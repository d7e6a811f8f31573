"""What an evaluation keeps on disk, so that one that was killed goes on from there."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Callable
from typing import Any

from prism.music.writing import explained, make_folder, write_text

Row = dict[str, Any]


class Ledger:
    """Rows on disk, one a line; what is there is not done again.

    The file's first line is `origin`: weights, corpus and settings that the rows were made with.
    Raises ValueError if it was begun with something else, or is damaged.
    """

    def __init__(self, path: pathlib.Path, origin: dict[str, Any]) -> None:
        self.path = path
        self.rows: list[Row] = []
        make_folder(path.parent)
        if not path.is_file():
            write_text(path, json.dumps(origin) + "\n")
            return
        # A run killed while writing leaves half a line, which is dropped.
        try:
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]
            found, *self.rows = map(json.loads, whole)
        except ValueError as error:
            raise ValueError(
                f"{path} is damaged; delete it or choose another --output folder"
            ) from error
        if found != origin:
            raise ValueError(
                f"{path} was begun with other weights, corpus or settings; "
                "delete it or choose another --output folder"
            )
        write_text(path, "".join(whole))

    def add(self, row: Row) -> None:
        """Write a row down."""
        with explained(self.path), self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)

    def has(self, name: str) -> bool:
        """Whether `once` was asked for this name."""
        return any(row.get("name") == name for row in self.rows)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives (plain JSON), or gave when it was last asked for under this name."""
        for row in self.rows:
            if row.get("name") == name:
                return row["value"]
        value = make()
        self.add({"name": name, "value": value})
        return value
