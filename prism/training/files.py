"""Files that are whole or not there: a run may be killed while it writes."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable


def write_whole(path: pathlib.Path, write: Callable[[pathlib.Path], object]) -> None:
    """Write a file under another name, force it to the disk, then give it its own at once.

    Parameters
    ----------
    path : Path
        Keeps what it had until the new content is complete.
    write : callable
        Writes the content to the path it is given.
    """
    partial = path.with_name(f"{path.name}.partial")
    write(partial)
    with partial.open("rb+") as file:
        os.fsync(file.fileno())
    partial.replace(path)


def write_text(path: pathlib.Path, text: str) -> None:
    """`write_whole` for UTF-8 text."""
    write_whole(path, lambda partial: partial.write_text(text, encoding="utf-8"))
