"""The command line: ``prism generate Bach --seed 7``.

generate, compare
    Make music, and compare it with real music and the baseline's.
votes
    Print what was voted in blind listening.
evaluate, corpora, train
    Repeat the experiment, prepare music, train the models.
build, push
    All of that for your own music: a bundle, which the page serves and the Hub can hold.
app
    Serve the page; nothing else here needs gradio.

Each has a ``--help``. ``python -m prism`` is the same where the command is not installed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from prism.cli import compare, generate, votes
from prism.music.synthesis import SynthesisError

# Commands that are modules with a command line of their own, and what `--help` says of them.
PROGRAMS = {
    "evaluate": "repeat the experiment",
    "corpora": "prepare the corpus",
    "train": "train a model",
    "build": "make a bundle of your own music",
    "push": "publish a bundle on the Hugging Face Hub",
    "app": "serve the page",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its arguments are those of the process by default.

    Returns the exit status: 0, or 2 after a mistake, of which one line on stderr tells. SystemExit
    comes from argparse, after ``--help`` or an option that does not exist, and from `PROGRAMS`.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # Before argparse, so that nothing of what is passed on is changed.
        if arguments and arguments[0] in PROGRAMS:
            _run_program(*arguments)
        else:
            options = _parser().parse_args(arguments)
            options.run(options)
    except (ValueError, OSError, SynthesisError) as error:
        print(f"prism: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def _run_program(name: str, *arguments: str) -> None:
    try:
        module = importlib.import_module(f"prism.cli.{name}")
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ValueError("the page needs gradio: pip install -e '.[app]'") from None
    module.main(list(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="prism",
        description="Draw piano rolls with a diffusion transformer, and measure them.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (generate, compare, votes):
        module.add_command(commands)
    for name, words in PROGRAMS.items():
        commands.add_parser(name, help=words, add_help=False)
    return parser
