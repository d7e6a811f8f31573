"""Readers for the tests, apart: the processes they run in should not have to import torch."""

import os
import pathlib
import signal
import time
from typing import NamedTuple

from prism.corpora import folder


class File(NamedTuple):
    path: str


def doubled(file: File, marks: str = "") -> str:
    """Some files kill the process, as a fault in compiled code does; one does so only once."""
    mark = pathlib.Path(marks, "died")
    once = file.path == "once" and not mark.exists()
    if once:
        mark.touch()
    if once or file.path.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    return file.path * 2


def slowly(entry, seconds: float = 0.02):
    """As `read_entry`, so that there is time to kill a worker."""
    time.sleep(seconds)
    return folder.read_entry(entry)


def collected(batch: tuple, results: list) -> dict:
    return dict(results)
