"""Generate the stored examples: ``python -m prism.service.make_examples``.

With ``--titles`` nothing is generated: the real pieces' titles in them are written anew.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any

from prism import ASSETS, ROOT
from prism.corpora.dataset import prompt_sample
from prism.music.writing import write_text
from prism.service.examples import EXAMPLES, EXAMPLES_FILE, origin_of, packed
from prism.service.service import load_service
from prism.service.sources import CorpusSource, opening_words

_WEIGHTS = ROOT / "weights"
_OPENING = re.compile(re.escape(opening_words("\0")).replace("\0", ".*"))


def main() -> None:
    """Write the file of examples anew, as the page makes them with the bundled weights."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", action="store_true", help="only the real pieces' titles")
    service = load_service(_WEIGHTS, ASSETS / "corpus")
    if parser.parse_args().titles:
        made = json.loads(EXAMPLES_FILE.read_text(encoding="utf-8"))
        for example in made["examples"]:
            retitle(example, service.sources["corpus"])
    else:
        examples = [
            {
                "name": name,
                "pieces": {s.name: packed(s.piece(settings)) for s in service.sources.values()},
            }
            for name, settings in EXAMPLES.items()
        ]
        origin = origin_of(_WEIGHTS, _WEIGHTS / "amt", service.corpus.get())
        made = {"origin": origin, "examples": examples}
    text = json.dumps(made, ensure_ascii=False, separators=(",", ":"))
    write_text(EXAMPLES_FILE, text + "\n")
    print(EXAMPLES_FILE)


def retitle(example: dict[str, Any], real: CorpusSource) -> None:
    """Name a stored example's real pieces as the corpus does now."""
    settings, pieces = EXAMPLES[example["name"]], example["pieces"]
    pieces["corpus"] = packed(real.piece(settings))
    opening = prompt_sample(real.corpus.get(), real.window(settings), settings.seed)
    words, amt = opening_words(opening.piece.title), pieces["amt"]
    amt["detail"] = _OPENING.sub(lambda _: words, amt["detail"])


if __name__ == "__main__":
    main()
