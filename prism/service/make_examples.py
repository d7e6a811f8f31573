"""Generate the stored examples: ``python -m prism.service.make_examples``."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Mapping
from functools import partial
from typing import Any

from prism import ASSETS
from prism.service.examples import EXAMPLES, EXAMPLES_FILE, origin_of, packed
from prism.service.loading import (
    Loader,
    load_amt,
    load_corpus,
    load_index,
    load_judge,
    load_pipeline,
)
from prism.service.service import Service


def make_examples(service: Service, origin: Mapping[str, str]) -> dict[str, Any]:
    """Generate all examples as the page does; what the file holds."""
    made = []
    for name, wanted in EXAMPLES.items():
        pieces = {}
        for side in service.sources:
            *_, last = service.fill(side, wanted)
            pieces[side] = packed(last.piece)
        made.append({"name": name, "pieces": pieces})
    return {"origin": dict(origin), "examples": made}


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(
        "python -m prism.service.make_examples", description=main.__doc__
    )
    parser.add_argument("--output", type=pathlib.Path, default=EXAMPLES_FILE, metavar="FILE")
    output = parser.parse_args().output
    weights = ASSETS.parent / "weights"
    corpus = Loader(partial(load_corpus, ASSETS / "corpus"))
    service = Service(
        Loader(partial(load_pipeline, weights)),
        corpus,
        Loader(partial(load_amt, weights / "amt")),
        Loader(partial(load_judge, weights / "similarity", corpus)),
        Loader(partial(load_index, corpus)),
    )
    made = make_examples(service, origin_of(weights, weights / "amt", corpus.get()))
    output.write_text(
        json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    print(output)


if __name__ == "__main__":
    main()
