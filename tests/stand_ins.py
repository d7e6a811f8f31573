"""What the tests of the page put in place of weights and corpus."""

from __future__ import annotations

import contextlib
import json
import pathlib
import time
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import gradio as gr
from conftest import (
    COLLECTIONS,
    PROFILES,
    ROOT,
    PitchClasses,
    make_piece,
    make_pipeline,
    random_weights,
)

from prism.amt.pipeline import PartialSample
from prism.amt.prompt import amt_seed
from prism.corpora.prepared import Corpus
from prism.models.pipeline import PrismPipeline
from prism.models.setting_types import Offered
from prism.models.settings import GenerationSettings
from prism.music.attributes import NAMES, attribute_values
from prism.music.roll import Note, PianoRoll
from prism.service.bundle import Bundle, Manifest, open_bundle
from prism.service.examples import load_examples, read_examples
from prism.service.loading import Loader
from prism.service.service import Service
from prism.service.session import Session
from prism.similarity.bands import KIND_WORDS, Band
from prism.similarity.neighbours import TrainingIndex
from prism.similarity.networks import ComposerNetwork, CorpusFeatures
from prism.similarity.scorer import SimilarityScorer
from prism.ui.generate import Handlers
from prism.ui.mixer import mix_value
from prism.ui.page import build_ui, launch_options

LABELS = tuple(PROFILES)
KNOWN = attribute_values(NAMES, COLLECTIONS)
OFFERED = Offered(LABELS, KNOWN)
# Seeds with which the shared page's baseline takes its time. A tenth of a second a note, so that it
# can be seen growing: each for one test, as a kept sample is there at once. And a second a note, so
# that it can be stopped, however busy the machine.
GROWING_SEEDS, SLOW_SEED = (2026, 2027, 2028), 123_456
# The page's controls besides composers and weights, in order.
SETTINGS = {
    "guidance_scale": 2,
    "seed": 1,
    "num_inference_steps": 8,
    "tempo": 0,
    "amt_start": "opening",
    "structure_scale": 0.35,
    "instrument": "piano",
    "metre": "",
    "redraw": "",
    "key": "",
    "density": "",
    "register": "",
    "character": "",
    "repetition": "",
    "collection": "",
}


class StandInAMT:
    """Answers as the baseline does: a rising scale, in no time.

    Parameters
    ----------
    notes : int
        How many it writes.
    seconds_per_note : float
        How long it takes for one.
    composers : sequence of str
        Whom it can be told.
    seconds_by_seed : dict
        How long it takes for one with these seeds.
    """

    name = "AMT-test"
    model = None

    def __init__(
        self,
        notes: int = 8,
        seconds_per_note: float = 0.0,
        composers: Sequence[str] = (),
        seconds_by_seed: Mapping[int, float] = MappingProxyType({}),
    ) -> None:
        self.composers = composers
        self.seconds_by_seed = seconds_by_seed
        self.notes = notes
        self.seconds_per_note = seconds_per_note
        self.calls: list[dict] = []
        self.written = 0
        self.built = 0

    def stream(self, prompt: PianoRoll | None = None, **call):
        """See `prism.amt.pipeline.AMTPipeline.stream`."""
        self.calls.append({"prompt": prompt, **call})
        given = prompt or call.get("melody") or PianoRoll.empty()
        tempo = call.get("tempo") or given.tempo

        def build(count: int) -> PianoRoll:
            self.built += 1
            return PianoRoll.from_notes([Note(60 + n, n, 1) for n in range(count)], tempo=tempo)

        seed = call.get("seed")
        for count in range(1, self.notes + 1):
            time.sleep(self.seconds_by_seed.get(seed, self.seconds_per_note))
            self.written += 1
            yield PartialSample(count, float(count), False, build)
        yield PartialSample(self.notes, 64.0, True, build)


def made_up_bands() -> dict[str, Band]:
    """Bands a fifth wide, the first kind's at the top."""
    middles = zip(KIND_WORDS, (0.9, 0.7, 0.5, 0.3, 0.1), strict=True)
    return {
        kind: Band(kind, 4, m, (m - 0.1, m - 0.05, m, m + 0.05, m + 0.1)) for kind, m in middles
    }


def make_scorer(labels: tuple[str, ...] = LABELS) -> SimilarityScorer:
    """A scorer of tiny networks."""
    network = random_weights(ComposerNetwork(labels=len(labels), width=8, feature_size=16))
    networks = [PitchClasses(), CorpusFeatures(network, list(labels))]
    return SimilarityScorer(networks, {name: made_up_bands() for name in ("imagenet", "corpus")})


def make_index() -> TrainingIndex:
    """The training side of `tiny_corpus`."""
    return TrainingIndex(tiny_corpus())


def tiny_corpus() -> Corpus:
    """One piece under each label on each side of the split."""
    sides = ("train", "validation", "test")
    pieces = [
        make_piece(f"{label}-{side}", label, seed=i)
        for i, label in enumerate(LABELS)
        for side in sides
    ]
    return Corpus(tuple(pieces), sides * len(LABELS), LABELS)


def service_of(
    pipeline=make_pipeline,
    corpus=tiny_corpus,
    amt=StandInAMT,
    scorer=make_scorer,
    index=make_index,
    examples=dict,
    bundle: Bundle | None = None,
    withheld: str = "",
) -> Service:
    """A service over what these functions load; the documents are a bundle's or the shipped."""
    loaders = [Loader(load) for load in (pipeline, corpus, amt, scorer, index)]
    bundle = bundle or open_bundle()
    return Service(*loaders, examples=Loader(examples), bundle=bundle, withheld=withheld)


def bundle_of(folder: pathlib.Path, parts: dict | None = None, **documents: dict) -> Bundle:
    """A bundle of these documents and, by its manifest, of parts with these digests."""
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document), encoding="utf-8")
    manifest = Manifest("Mine", "the music of Mine", ("made for the tests",), parts or {})
    return Bundle(folder, folder / "corpus", folder / "weights", manifest)


def choice_of(composers=("Ada",), weights=(50,), **changes) -> GenerationSettings:
    """A choice as the page makes it."""
    values = {"composers": composers, "weights": weights[: len(composers)]} | SETTINGS | changes
    return GenerationSettings.read(values, Offered(LABELS, KNOWN))


def controls_of(composers=("Ada",), weights=(50, 50, 50, 50), **changes) -> list:
    """What the page's controls hold, as its handlers are given it."""
    mix = mix_value(composers, weights[: len(composers)], LABELS)
    return [list(composers), mix, *(SETTINGS | changes).values()]


class Page:
    """One visitor's page without the page: the handlers in the order in which it runs them."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.handlers, self.session = Handlers(service), Session()
        self.cards = self.handlers.cards

    @property
    def generation(self):
        """The latest."""
        return self.session.generation

    def begin(self, *controls, **settings) -> list:
        """Press Generate; what the controls' reading changes."""
        return list(self.handlers.begin(self.session, *(controls or controls_of(**settings))))[-1]

    def filling(self, name: str):
        """The updates of a source's player, and for Prism of the status."""
        return getattr(self.handlers, name)(self.session)

    def fill(self, *names: str) -> tuple:
        """Fill some sources' players; the last update of the last."""
        for name in names:
            last = settled(self.filling(name))
        return last

    def click(self, *names: str, **settings) -> tuple:
        """Begin and fill."""
        self.begin(**settings)
        return self.fill(*(names or self.service.sources))


def settled(items) -> tuple:
    """What a page shows after some updates: of every output the last that is no skip."""
    outputs = zip(*items, strict=True)
    skip = gr.skip()
    return tuple(next((x for x in reversed(seen) if x != skip), skip) for seen in outputs)


def make_wishful() -> PrismPipeline:
    """A tiny model that can be asked for everything."""
    return make_pipeline(knowing=NAMES)


@contextlib.contextmanager
def served(*loads, **named_loads) -> Iterator[str]:
    """Serve the page over what these functions load, as for `service_of`; gives its address."""
    page = build_ui(service_of(*loads, **named_loads))
    page.launch(prevent_thread_lock=True, quiet=True, server_port=None, **launch_options())
    try:
        yield page.local_url
    finally:
        page.close()


@contextlib.contextmanager
def whole_page(folder: pathlib.Path, corpus: Corpus) -> Iterator[str]:
    """Serve the page with the shipped labels, this corpus, records and examples, and tiny networks.

    The baseline's samples are there at once but for the seeds named above.
    """
    profiles = json.loads((ROOT / "weights" / "prism.json").read_text(encoding="utf-8"))["labels"]
    tiny = make_pipeline(knowing=NAMES, profiles=profiles, latent_size=48)
    tiny.save_pretrained(folder)  # weights that were loaded have a digest, which files tell
    pipeline = PrismPipeline.from_pretrained(folder)
    paces = {amt_seed(seed): 0.1 for seed in GROWING_SEEDS} | {amt_seed(SLOW_SEED): 1.0}
    weights, stored = ROOT / "weights", read_examples(open_bundle().path("examples"))
    with served(
        lambda: pipeline,
        lambda: corpus,
        lambda: StandInAMT(notes=40, seconds_per_note=0.01, seconds_by_seed=paces),
        lambda: make_scorer(tuple(pipeline.composers)),
        examples=lambda: load_examples(stored, weights, weights / "amt", Loader(lambda: corpus)),
    ) as address:
        yield address
