"""What the benchmark scripts share: their command line, the machine's name, README sections."""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import statistics
import sys
import time
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the options every benchmark has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="end with one line of JSON")
    options.add_argument("--quick", action="store_true", help="fewer runs, under a minute")
    options.add_argument("--readme", action="store_true", help="write the table into README.md")
    options.add_argument("--weights", type=pathlib.Path, default=ROOT / "weights")
    return options


def machine() -> str:
    """Processor and cores, or the GPU."""
    from prism.corpora.provenance import hardware

    return hardware()


def seconds(action: Callable[[int], object], count: int) -> float:
    """Median time of a call with 0 to `count` − 1, after one that warms up."""
    action(0)
    times = []
    for k in range(count):
        started = time.perf_counter()
        action(k)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def publish(section: str, text: str, figures: dict, options: argparse.Namespace) -> None:
    """Print a report; with `--readme` also put it into README.md's section of that name.

    Parameters
    ----------
    section : str
        README.md holds ``<!-- section -->`` and ``<!-- /section -->``; what lies between them is
        replaced.
    text : str
        Markdown.
    figures : dict
        Named numbers for `--json`.
    options : Namespace
        The parsed command line.
    """
    print(text)
    if options.readme:
        path = ROOT / "README.md"
        pattern = rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)"
        old = path.read_text(encoding="utf-8")
        new = re.sub(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", old, flags=re.DOTALL)
        path.write_text(new, encoding="utf-8")
    if options.json:
        print(json.dumps(figures))
