"""Time the baseline's cached sampler beside a plain one: same weights, same seeds, same notes.

The plain one follows the published procedure: it reads the whole context anew for each of an
event's three tokens. Both drop old events from a full context by the same rule.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import report
import torch

from prism import ROOT
from prism.amt.events import roll_events
from prism.amt.model import AnticipatoryTransformer
from prism.amt.pipeline import DEFAULT_TOP_P, AMTPipeline
from prism.amt.prompt import prompt_roll
from prism.amt.sampler import CachedReader, Choose, generate, greedy, nucleus
from prism.corpora.dataset import corpus_sample, prompt_sample
from prism.corpora.prepared import Corpus
from prism.music.roll import FRAMES, PianoRoll

# With its opening more than a context holds, so that the context slides.
EVENTS = 320
COMPOSERS = {"greedy": "Bach", "sampled": "Irish reels"}


class PlainReader:
    """No cache: every token costs a full pass over the context."""

    def __init__(self, model: AnticipatoryTransformer) -> None:
        self.model = model
        self.read: list[int] = []

    def restart(self, rows: list[int]) -> None:
        """Forget everything and keep `rows` for the next pass."""
        self.read = list(rows)

    def append(self, row: int) -> None:
        """Keep one more."""
        self.read.append(row)

    def logits(self, rows: slice, likely: Sequence[int] = ()) -> torch.Tensor:
        """Logits of the next token, out of all logits of all tokens."""
        return self.model(torch.tensor([self.read]))[0, -1, rows]


def drawn(
    model: AnticipatoryTransformer,
    prompt: PianoRoll,
    count: int,
    choose: Choose,
    reader: PlainReader | CachedReader,
) -> tuple[np.ndarray, float]:
    """The first `count` events after a prompt, and the seconds they took."""
    step = model.config.centiseconds_per_beat / 4
    start = round(prompt.frames * step)
    began = time.perf_counter()
    found = list(
        generate(
            model,
            start,
            start + round(FRAMES * step),
            choose,
            roll_events(prompt, step),
            reader=reader,
            most_events=count,
        )
    )
    return np.reshape(found, (-1, 3)), time.perf_counter() - began


def main() -> None:
    """Draw the same samples both ways."""
    options = report.parser(__doc__).parse_args()
    count = 20 if options.quick else EVENTS
    model = AMTPipeline.from_pretrained(options.weights / "amt").model
    corpus = Corpus.load(ROOT / "assets" / "corpus")
    seconds: dict[str, list[float]] = {"plain": [], "cached": []}
    identical = {}
    for kind, composer in COMPOSERS.items():
        prompt = prompt_roll(prompt_sample(corpus, corpus_sample(corpus, [composer], 0), 0))
        found = []
        for name, reader in (("plain", PlainReader(model)), ("cached", CachedReader(model))):
            choose = nucleus(DEFAULT_TOP_P, torch.Generator().manual_seed(0))
            choose = greedy if kind == "greedy" else choose
            part, taken = drawn(model, prompt, count, choose, reader)
            found.append(part)
            seconds[name].append(taken / max(1, len(part)))
        identical[kind] = np.array_equal(*found)
    plain, cached = (1000 * float(np.mean(seconds[name])) for name in ("plain", "cached"))
    figures = {
        "speedup": round(plain / cached, 1),
        "greedy_identical": identical["greedy"],
        "sampled_identical": identical["sampled"],
        "plain_milliseconds_per_event": round(plain, 2),
        "cached_milliseconds_per_event": round(cached, 2),
    }
    text = (
        f"{figures['cached_milliseconds_per_event']} ms an event against "
        f"{figures['plain_milliseconds_per_event']} ms for the published procedure, no cache: "
        f"{figures['speedup']} times as fast, "
        f"{'the same notes' if figures['greedy_identical'] else 'NOT the same notes'} (greedy), "
        f"over {count} events after each of {len(COMPOSERS)} openings, on {report.machine()}."
    )
    report.publish("amt-sampler", text, figures, options)


if __name__ == "__main__":
    main()
