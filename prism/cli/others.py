"""Commands that stand for programs with a command line of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable


@dataclasses.dataclass(frozen=True)
class Other:
    """A command: what `--help` says of it, and what is called with its arguments."""

    help: str
    run: Callable[[list[str]], None]


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
    try:
        from prism.cli.app import main
    except ModuleNotFoundError as error:
        if error.name != "gradio":
            raise
        raise ValueError("the page needs gradio: pip install -e '.[app]'") from None

    main(arguments)


OTHERS = {
    "evaluate": Other("repeat the experiment", _evaluate),
    "corpora": Other("prepare the corpus", _corpora),
    "train": Other("train a model", _train),
    "app": Other("serve the page", _app),
}
