"""Generate the stored examples of the shipped bundle: ``python -m prism.service.make_examples``.

With ``--titles`` nothing is generated: the real pieces' titles in them are written anew. `prism
build` makes those of other bundles, with `usual_examples`.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from prism.corpora.dataset import prompt_sample
from prism.models.settings import GenerationSettings
from prism.music.progress import ProgressBar
from prism.music.writing import write_text
from prism.service.bundle import open_bundle
from prism.service.examples import origin_of, packed, packed_example, read_examples
from prism.service.service import Service, load_service
from prism.service.sources import CorpusSource, opening_words

SHIPPED_EXAMPLES = {
    "A Bach chorale": GenerationSettings("Bach", seed=7),
    "An Irish jig": GenerationSettings("Irish jigs", seed=7),
    "Haydn meets Irish reels": GenerationSettings(["Haydn", "Irish reels"], seed=7),
    "Mozart with some Beethoven": GenerationSettings(["Mozart", "Beethoven"], [60, 40], seed=7),
    "AMT accompanies a Scottish air": GenerationSettings(
        "Scottish airs", seed=7, amt_start="melody"
    ),
}
_SEED = 7
_OPENING = re.compile(re.escape(opening_words("\0")).replace("\0", ".*"))


def usual_examples(composers: Sequence[str]) -> dict[str, GenerationSettings]:
    """Those of a bundle that nobody chose any for: composers alone, two mixed, one accompanied.

    The page opens with the first.
    """
    first, *others = composers
    chosen = {name: GenerationSettings(name, seed=_SEED) for name in composers[:3]}
    if others:
        mixed = GenerationSettings([first, others[0]], seed=_SEED)
        chosen[f"{first} meets {others[0]}"] = mixed
    else:
        chosen[f"{first} again"] = GenerationSettings(first, seed=_SEED + 1)
    melody = GenerationSettings(composers[-1], seed=_SEED, amt_start="melody")
    return chosen | {f"AMT accompanies {composers[-1]}": melody}


def make_examples(service: Service, chosen: Mapping[str, GenerationSettings]) -> None:
    """Write a bundle's file of examples, as the page makes them with its weights."""
    examples = []
    for name, settings in ProgressBar(chosen.items(), "examples"):
        pieces = {s.name: packed(s.piece(settings)) for s in service.sources.values()}
        examples.append(packed_example(name, settings, pieces))
    weights = service.weights.get()
    origin = origin_of(weights, service.bundle.amt or weights / "amt", service.corpus.get())
    _write(service.bundle.path("examples"), {"origin": origin, "examples": examples})


def _write(path: pathlib.Path, made: dict[str, Any]) -> None:
    write_text(path, json.dumps(made, ensure_ascii=False, separators=(",", ":")) + "\n")


def main() -> None:
    """Write the shipped file anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--titles", action="store_true", help="only the real pieces' titles")
    service = load_service(open_bundle())
    path = service.bundle.path("examples")
    if parser.parse_args().titles:
        made = json.loads(path.read_text(encoding="utf-8"))
        known = {example.name: example.settings for example in read_examples(path).examples}
        for example in made["examples"]:
            retitle(example, known[example["name"]], service.sources["corpus"])
        _write(path, made)
    else:
        make_examples(service, SHIPPED_EXAMPLES)
    print(path)


def retitle(example: dict[str, Any], settings: GenerationSettings, real: CorpusSource) -> None:
    """Name a stored example's real pieces as the corpus does now."""
    pieces = example["pieces"]
    pieces["corpus"] = packed(real.piece(settings))
    opening = prompt_sample(real.corpus.get(), real.window(settings), settings.seed)
    words, amt = opening_words(opening.piece.title), pieces["amt"]
    amt["detail"] = _OPENING.sub(lambda _: words, amt["detail"])


if __name__ == "__main__":
    main()
