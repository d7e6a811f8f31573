"""Commands that stand for programs with a command line of their own."""

from __future__ import annotations

import argparse
import dataclasses
import importlib.util
import types
from collections.abc import Callable

from prism import ROOT


@dataclasses.dataclass(frozen=True)
class Other:
    """A command: what `--help` says of it, and what is called with its arguments."""

    help: str
    run: Callable[[list[str]], None]


def script(name: str) -> types.ModuleType:
    """Load a program that lies beside the package, as ``train.py`` does.

    Raises
    ------
    FileNotFoundError
        If it is not there.
    """
    path = ROOT / name
    if not path.is_file():
        raise FileNotFoundError(
            f"no {name} in {ROOT}; this command needs Prism's whole repository: run it from there"
        )
    spec = importlib.util.spec_from_file_location(f"prism_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _evaluate(arguments: list[str]) -> None:
    from prism.cli.evaluate import main

    main(arguments)


def _corpora(arguments: list[str]) -> None:
    from prism.cli.corpora import main

    main(arguments)


def _train(arguments: list[str]) -> None:
    from prism.cli.train import main

    main(arguments)


def _app(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(
        prog="prism app",
        description="Serve the page. GRADIO_SERVER_NAME and GRADIO_SERVER_PORT set host and port, "
        "PRISM_WEIGHTS, PRISM_AMT and PRISM_SOUNDFONT other models and another soundfont.",
    )
    parser.parse_args(arguments)
    script("app.py").main()


OTHERS = {
    "evaluate": Other("repeat the experiment", _evaluate),
    "corpora": Other("prepare the corpus", _corpora),
    "train": Other("train a model", _train),
    "app": Other("serve the page", _app),
}
