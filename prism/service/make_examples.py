"""Generate the stored examples: ``python -m prism.service.make_examples``."""

from __future__ import annotations

import argparse
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from prism import ASSETS, ROOT
from prism.service.examples import EXAMPLES, EXAMPLES_FILE, origin_of, packed
from prism.service.service import Service, load_service


def make_examples(service: Service, origin: Mapping[str, str]) -> dict[str, Any]:
    """Generate all examples as the page does; what the file holds."""
    made = []
    for name, wanted in EXAMPLES.items():
        pieces = {}
        for source in service.sources:
            *_, last = service.fill(source, wanted)
            pieces[source] = packed(last.piece)
        made.append({"name": name, "pieces": pieces})
    return {"origin": dict(origin), "examples": made}


def main() -> None:
    """Write the file anew."""
    parser = argparse.ArgumentParser(
        "python -m prism.service.make_examples", description=main.__doc__
    )
    parser.add_argument("--output", type=pathlib.Path, default=EXAMPLES_FILE, metavar="FILE")
    output = parser.parse_args().output
    weights = ROOT / "weights"
    service = load_service(weights, ASSETS / "corpus")
    made = make_examples(service, origin_of(weights, weights / "amt", service.corpus.get()))
    output.write_text(
        json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    print(output)


if __name__ == "__main__":
    main()
