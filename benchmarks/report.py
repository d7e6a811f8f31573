"""What the benchmark scripts share: their command line, the machine's name, where figures go."""

from __future__ import annotations

import argparse
import json
import pathlib
import re
import statistics
import time
from collections.abc import Callable

from prism import ROOT

RESULTS = ROOT / "docs" / "results.md"
EXPERIMENTS = ROOT / "docs" / "experiments.md"  # what is measured on the validation split
README = ROOT / "README.md"


def parser(description: str) -> argparse.ArgumentParser:
    """A parser with the options every benchmark has."""
    options = argparse.ArgumentParser(description=description)
    options.add_argument("--json", action="store_true", help="end with one line of JSON")
    options.add_argument("--quick", action="store_true", help="fewer runs, under a minute")
    options.add_argument("--write", action="store_true", help="write it into docs/results.md")
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


def publish(
    section: str,
    text: str,
    figures: dict,
    options: argparse.Namespace,
    short: str = "",
    path: pathlib.Path = RESULTS,
) -> None:
    """Print a report; with `--write` also put it into a document's section of that name.

    Parameters
    ----------
    section : str
        The file holds ``<!-- section -->`` and ``<!-- /section -->``; what lies between them is
        replaced.
    text : str
        Markdown.
    figures : dict
        Named numbers for `--json`.
    options : Namespace
        The parsed command line.
    short : str
        A sentence or two for README.md's section of that name.
    path : path
        The document.
    """
    print(text)
    if options.write:
        write(path, section, text)
        if short:
            write(README, section, short)
    if options.json:
        print(json.dumps(figures))


def write(path: pathlib.Path, section: str, text: str) -> None:
    """Replace a section of a Markdown file.

    Raises
    ------
    ValueError
        If the file has no such section.
    """
    pattern = rf"(<!-- {section} -->\n).*?(<!-- /{section} -->)"
    old = path.read_text(encoding="utf-8")
    new, found = re.subn(pattern, lambda m: f"{m[1]}{text}\n{m[2]}", old, flags=re.DOTALL)
    if not found:
        raise ValueError(f"{path} has no section <!-- {section} -->: add it where the text belongs")
    path.write_text(new, encoding="utf-8")
