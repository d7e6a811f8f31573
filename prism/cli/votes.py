"""``prism votes``: the votes of blind listening as CSV, out of the file that PRISM_VOTES names."""

from __future__ import annotations

import argparse
import os
import pathlib
from typing import Any


def add_command(commands: Any) -> None:
    """Add the command to argparse's subparsers."""
    parser = commands.add_parser(
        "votes",
        help="print the votes of blind listening as CSV",
        description="Print a line a vote: round, question, music, lane, chosen source.",
    )
    parser.add_argument(
        "file",
        nargs="?",
        default=os.environ.get("PRISM_VOTES"),
        help="that of the variable PRISM_VOTES by default",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print it; see `prism.cli.main` for the errors."""
    from prism.service.listening import Ballot

    if not options.file or not pathlib.Path(options.file).is_file():
        raise ValueError(f"there are no votes in {options.file}: name their file, or PRISM_VOTES")
    print(Ballot(options.file).csv(), end="")
