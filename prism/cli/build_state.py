"""The state of a build: which stages are done, and how far the current one is."""

from __future__ import annotations

import contextlib
import json
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prism.music.progress import gathered
from prism.music.writing import write_json

STATE_FILE = pathlib.Path("run", "build.json")
_LINE_SECONDS = 10.0  # between lines, where one cannot be drawn over another


class BuildStage(NamedTuple):
    """A stage: its name in the build's record, what is said of it, seconds it may take, and it.

    Without its `product`, if it has one, it is not done, whatever the record says.
    """

    name: str
    title: str
    seconds: float
    work: Callable[[], None]
    product: pathlib.Path | None = None

    @property
    def is_there(self) -> bool:
        """Whether nobody has deleted what it made."""
        return self.product is None or self.product.exists()


class BuildState:
    """The stages that are done with the seconds they took, in a bundle's ``run/build.json``.

    `begun` says what is built, of what, by which preset. Raises ValueError if another build was
    begun in the bundle's `folder`, or it holds something else.
    """

    def __init__(self, folder: pathlib.Path, begun: Mapping[str, Any]) -> None:
        self._path = folder / STATE_FILE
        self._begun = dict(begun)
        self.done: dict[str, float] = {}
        if self._path.is_file():
            self._restore(folder)
            return
        others = [path.name for path in folder.iterdir() if path.name != STATE_FILE.parts[0]]
        if others:
            raise ValueError(
                f"--output: {folder} holds something else ({others[0]}); name a new or an empty "
                "folder"
            )
        self._path.parent.mkdir(exist_ok=True)
        self._write()

    def _restore(self, folder: pathlib.Path) -> None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            begun, self.done = stored["begun"], stored["done"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{self._path} is damaged; name another --output folder") from error
        for name, value in self._begun.items():
            if self.done and begun.get(name) != value:
                raise ValueError(
                    f"--output: {folder} was begun with {name} {begun.get(name)}, not {value}; go "
                    "on with that, or name another folder"
                )

    def add(self, name: str, seconds: float) -> None:
        """A stage is done."""
        self.done[name] = round(seconds, 1)
        self._write()

    def _write(self) -> None:
        write_json(self._path, {"begun": self._begun, "done": self.done})


def duration(seconds: float) -> str:
    """In words.

    Examples
    --------
    >>> duration(7), duration(754), duration(7320)
    ('7 s', '13 min', '2.0 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class GatheredProgress:
    """One line for all stages on stderr: which, how far, how fast, and the time left."""

    def __init__(self, stages: Sequence[BuildStage]) -> None:
        self._stages = stages
        self._number, self._started, self._told = 0, 0.0, 0.0
        self._drawn = False

    @contextlib.contextmanager
    def of(self, number: int) -> Iterator[None]:
        """The stage of that number is at work."""
        self._number, self._started = number, time.monotonic()
        self._tell(self.line({}))
        try:
            with gathered(lambda bar: self._tell(self.line(bar))):
                yield
        finally:
            self._clear()

    def line(self, bar: Mapping[str, Any]) -> str:
        """The line for a bar's `tqdm.format_dict`, empty if there is none yet."""
        stage = self._stages[self._number]
        parts = [f"[{self._number + 1}/{len(self._stages)}] {stage.title}"]
        # As planned, unless the bar knows better.
        left = max(0.0, stage.seconds - (time.monotonic() - self._started))
        if bar:
            total = f" of {bar['total']:,}" if bar["total"] else ""
            parts.append(f"{bar['prefix'] or bar['unit']} {bar['n']:,}{total}".strip())
            done = bar["n"] - bar["initial"]
            rate = bar["rate"] or (done / bar["elapsed"] if bar["elapsed"] else 0)
            if rate:
                told = (
                    f"{rate:.3g} {bar['unit']}/s" if rate > 1 else f"{1 / rate:.3g} s/{bar['unit']}"
                )
                parts.append(told)
                if bar["total"]:
                    left = max((bar["total"] - bar["n"]) / rate, left)
        later = sum(s.seconds for s in self._stages[self._number + 1 :])
        return " · ".join([*parts, f"about {duration(left + later)} left in all"])

    def say(self, text: str) -> None:
        """A line that stays."""
        self._clear()
        print(f"[{self._number + 1}/{len(self._stages)}] {text}", file=sys.stderr, flush=True)

    def _tell(self, line: str) -> None:
        now = time.monotonic()
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line[:119]}", end="", file=sys.stderr, flush=True)
            self._drawn = True
        elif now - self._told >= _LINE_SECONDS:
            print(line, file=sys.stderr, flush=True)
            self._told = now

    def _clear(self) -> None:
        if self._drawn:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._drawn = False
