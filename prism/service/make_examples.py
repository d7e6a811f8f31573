"""Generate the stored examples: ``python -m prism.service.make_examples``."""

from __future__ import annotations

import json

from prism import ASSETS, ROOT
from prism.music.writing import write_text
from prism.service.examples import EXAMPLES, EXAMPLES_FILE, origin_of, packed
from prism.service.service import load_service


def main() -> None:
    """Generate all examples with the bundled weights, as the page does, and write the file anew."""
    weights = ROOT / "weights"
    service = load_service(weights, ASSETS / "corpus")
    examples = [
        {
            "name": name,
            "pieces": {s.name: packed(s.piece(settings)) for s in service.sources.values()},
        }
        for name, settings in EXAMPLES.items()
    ]
    origin = origin_of(weights, weights / "amt", service.corpus.get())
    made = {"origin": origin, "examples": examples}
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    write_text(EXAMPLES_FILE, text + "\n")
    print(EXAMPLES_FILE)


if __name__ == "__main__":
    main()
