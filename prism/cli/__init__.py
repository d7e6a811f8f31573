"""The command line: ``prism generate Bach --seed 7``.

generate, compare
    Make music, and compare it with real music and the baseline's.
evaluate, corpora, train
    Repeat the experiment, prepare music, train the models.
app
    Serve the page; nothing else here needs gradio.

Each has a ``--help``. ``python -m prism`` is the same where the command is not installed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from prism.cli import compare, generate
from prism.cli.others import OTHERS
from prism.music.synthesis import SynthesisError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        Exit status: 0, or 2 after a mistake, of which one line on stderr tells.

    Raises
    ------
    SystemExit
        From argparse, after ``--help`` or an option that does not exist, and from the programs
        that `evaluate`, `corpora` and `train` stand for.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _command(arguments)()
    except (ValueError, OSError, SynthesisError) as error:
        print(f"prism: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _command(arguments: list[str]) -> Callable[[], None]:
    """What to call; argparse never sees what is passed on, so that nothing of it is changed."""
    if arguments and arguments[0] in OTHERS:
        return lambda: OTHERS[arguments[0]].run(arguments[1:])
    options = _parser().parse_args(arguments)
    return lambda: options.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism",
        description="Draw piano rolls with a diffusion transformer, and measure them.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (generate, compare):
        module.add_command(commands)
    for name, other in OTHERS.items():
        commands.add_parser(name, help=other.help, add_help=False)
    return parser
