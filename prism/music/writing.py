"""Files that are whole or not there, and folders into which one process writes at a time.

Conventions
-----------
partial
    A file is written beside its place, under its name with ``.partial`` behind it, forced to the
    disk and then renamed. Where that fails, what was there before stays, and the partial file goes;
    only a killed process leaves one, over which the next writes.
"""

from __future__ import annotations

import contextlib
import csv
import json
import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

LOCK_FILE = "lock"


class WriteError(OSError):
    """A file or folder cannot be written; the message says which, why and what to do."""


@contextlib.contextmanager
def explained(path: pathlib.Path) -> Iterator[None]:
    """Turn an OSError of writing to `path` into a `WriteError`."""
    try:
        yield
    except WriteError:
        raise
    except OSError as error:
        raise WriteError(
            f"{path} cannot be written ({error.strerror or error}); make room for it or choose "
            "another folder; what was there before is kept"
        ) from error


def write_atomic(
    path: pathlib.Path, write: Callable[[pathlib.Path], object], mark: str = ""
) -> None:
    """Let `write` fill another file, force that to the disk, then rename it to `path`.

    The other file's name holds `mark`, which keeps several writers of one file apart. Raises
    WriteError if the file cannot be written.
    """
    partial = path.with_name(f"{path.name}{mark}.partial")
    try:
        with explained(path):
            write(partial)
            _sync(partial)
            partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def _sync(path: pathlib.Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def write_text(path: pathlib.Path, text: str) -> None:
    """`write_atomic` for UTF-8 text."""
    write_atomic(path, lambda partial: partial.write_text(text, encoding="utf-8"))


def write_json(path: pathlib.Path, value: Any, indent: int = 1) -> None:
    """`write_text` for a value as JSON."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False) + "\n")


def write_table(path: pathlib.Path, head: Sequence[str], rows: Iterable[Sequence]) -> None:
    """`write_atomic` for a CSV file."""

    def write(partial: pathlib.Path) -> None:
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(head)
            writer.writerows(rows)

    write_atomic(path, write)


def table_text(head: Sequence[str], rows: Iterable[Iterable]) -> str:
    """A table in Markdown, under its head."""
    cells = ([str(cell).replace("|", "\\|") for cell in row] for row in (head, *rows))
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])


def link_or_copy(file: pathlib.Path, target: pathlib.Path) -> None:
    """Put a file in a second place, where there is none yet; raises WriteError if it cannot."""
    try:
        target.hardlink_to(file)
    except OSError:  # not every disk has hard links, and none leads to another disk
        write_atomic(target, lambda partial: shutil.copyfile(file, partial))


def make_folder(folder: pathlib.Path) -> None:
    """Make a folder, unless it is there, and see that files can be written into it.

    Raises WriteError if they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        done = "written into" if folder.is_dir() else "made a folder"
        reason = error.strerror or error
        raise WriteError(f"{folder} cannot be {done} ({reason}); choose another") from error


@contextlib.contextmanager
def folder_beside(folder: pathlib.Path) -> Iterator[pathlib.Path]:
    """A new folder to write files into, which at the end take their places in `folder`.

    If writing them fails, which raises WriteError, none does. Weights of a network that is written
    anew go, so that no part of an older one is taken for the new one's.
    """
    partial = folder / ".partial"
    shutil.rmtree(partial, ignore_errors=True)
    try:
        with explained(folder):
            partial.mkdir(parents=True)
            yield partial
            files = [file.relative_to(partial) for file in partial.rglob("*") if file.is_file()]
            for file in files:
                _sync(partial / file)
            for file in files:
                (folder / file).parent.mkdir(parents=True, exist_ok=True)
                (partial / file).replace(folder / file)
        for other in _older_weights(folder, files):
            other.unlink()
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _older_weights(folder: pathlib.Path, files: Sequence[pathlib.Path]) -> list[pathlib.Path]:
    """Weights beside the new ones of `files`, in fewer or more parts than those."""
    new = {folder / file for file in files}
    places = {folder / file.parent for file in files if file.suffix == ".safetensors"}
    return [file for place in places for file in set(place.glob("*.safetensors*")) - new]


@contextlib.contextmanager
def sole_writer(folder: pathlib.Path) -> Iterator[None]:
    """Keep every other process that asks in the same way out of a folder.

    The lock ends with the process, however that ends. Raises WriteError if another process has it.
    """
    import fcntl  # not there on Windows, where all else works

    path = folder / LOCK_FILE
    with contextlib.ExitStack() as stack:
        with explained(path):
            file = stack.enter_context(path.open("w"))
        try:
            # Of this process alone: with flock, workers would keep it when their parent is killed.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise WriteError(
                f"another process is writing into {folder}; wait until it ends, or choose another "
                "--output folder"
            ) from error
        except OSError:  # not every disk has locks
            pass
        stack.callback(path.unlink, missing_ok=True)
        yield
