"""The sources of pieces: Prism, the corpus and the baseline."""

from __future__ import annotations

import abc
import dataclasses
import threading
import time
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from prism.amt.prompt import amt_seed, prompt_roll
from prism.corpora.provenance import checkpoint
from prism.models.settings import GenerationSettings
from prism.music.metadata import (
    asked_words,
    drawn_lines,
    file_stem,
    held_out_words,
    metre,
    real_lines,
    window_words,
    written_lines,
)
from prism.music.roll import PianoRoll, top_line
from prism.service.gpu import gpu_is_lent, on_lent_gpu
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.scheduler import Priority, Scheduler

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline, PartialSample
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import Preview, PrismPipeline
    from prism.music.windows import Window

Value = TypeVar("Value")
GPU_SECONDS = 20  # 64 steps take less than a second on one, being handed one takes longer
HEARTBEAT_SECONDS = 0.5
_PREVIEW_SECONDS = 0.12
_NOTE_SECONDS = 0.3
_DRAWN_KEPT = 16


class RecentResults(Generic[Value]):
    """Keeps the results used last, `size` of them; safe to use from several threads."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: dict[Hashable, Value] = {}  # the one unused for longest is the first

    def get(self, key: Hashable) -> Value | None:
        """The result stored under `key`, or None."""
        with self._lock:
            if key in self._values:
                self._values[key] = self._values.pop(key)
            return self._values.get(key)

    def put(self, key: Hashable, value: Value) -> None:
        """Store a result."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            while len(self._values) > self._size:
                del self._values[next(iter(self._values))]


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is new of one source: a piece to show, a text to say, or nothing.

    `done` says that the piece is the result, with its files; `stopped`, that no more will come.
    """

    piece: ShownPiece | None = None
    text: str = ""
    done: bool = False
    stopped: bool = False


class Source(abc.ABC):
    """Where a piece comes from: its name in the program, and the words of its empty player."""

    name: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]
    hint: ClassVar[str]
    priority: ClassVar[Priority] = Priority.GENERATE

    @abc.abstractmethod
    def stages(self, settings: GenerationSettings) -> Iterator[Progress]:
        """Make the piece, without files; something comes every `HEARTBEAT_SECONDS` at least."""

    def piece(self, settings: GenerationSettings) -> ShownPiece:
        """The finished piece, without files."""
        *_, piece = (stage.piece for stage in self.stages(settings) if stage.piece)
        return piece.played_on(settings.program)


class PrismSource(Source):
    """Draws with Prism's model, which works in `models`."""

    name = "prism"
    kind = "Generated"
    title = "Prism"
    hint = "Choose a composer, press Generate, and watch it being drawn."

    def __init__(self, pipeline: Loader[PrismPipeline], models: Scheduler) -> None:
        self.pipeline = pipeline
        self._models = models
        # So that who wants the same again meanwhile, or its melody, need not wait for the sound.
        self._drawn: RecentResults[PianoRoll] = RecentResults(_DRAWN_KEPT)
        # The host looks for such a function before the page is served.
        self._draw_on_lent_gpu = on_lent_gpu(self._previews, GPU_SECONDS)

    def stages(self, settings: GenerationSettings) -> Iterator[Progress]:
        """The clean estimates of the sampler's steps that are worth showing."""
        self.pipeline.get()
        for preview in self._drawing(settings):
            if preview is None:
                yield Progress()
                continue
            step, steps, roll = preview
            if step == steps:
                # A lent GPU draws in another process, where `_previews` remembers in vain.
                self._drawn.put(settings.key_for(self.name), roll)
            yield Progress(self.shown(settings, roll), f"Drawing: step {step} of {steps}")

    def _drawing(self, settings: GenerationSettings) -> Iterator[tuple[int, int, PianoRoll] | None]:
        if gpu_is_lent():
            return self._draw_on_lent_gpu(settings)
        return self._models.iterate(
            self._previews(settings), self.priority, heartbeat_seconds=HEARTBEAT_SECONDS
        )

    def _previews(
        self, settings: GenerationSettings
    ) -> Iterator[tuple[int, int, PianoRoll] | None]:
        """(step, of how many, roll), which can be pickled; None if it is not worth decoding."""
        key = settings.key_for(self.name)
        if drawn := self._drawn.get(key):
            yield settings.num_inference_steps, settings.num_inference_steps, drawn
            return
        shown_at = 0.0
        for preview in self._stream(settings):
            steps = preview.num_inference_steps
            if preview.step < steps and time.monotonic() - shown_at < _PREVIEW_SECONDS:
                yield None
                continue
            shown_at = time.monotonic()
            roll = preview.rolls[0]
            if preview.step == steps:
                self._drawn.put(key, roll)
            yield preview.step, steps, roll

    def _stream(self, settings: GenerationSettings) -> Iterator[Preview]:
        """From the latest version that is still there, so that an edit costs what a sample does."""
        pipeline, edits = self.pipeline.get(), settings.edits
        for count in reversed(range(len(edits))):
            before = settings.with_edits(edits[:count])
            if drawn := self._drawn.get(before.key_for(self.name)):
                return pipeline.stream(settings.with_edits(edits[count:]), known=drawn)
        return pipeline.stream(settings)

    def shown(
        self, settings: GenerationSettings, roll: PianoRoll, known: bool = False
    ) -> ShownPiece:
        """A roll that was drawn, perhaps around known beats, with its words."""
        pipeline = self.pipeline.get()
        origin = checkpoint(pipeline.autoencoder, pipeline.dit)
        mix = settings.composers, settings.composer_weights
        words = (
            settings.mix,
            f"guidance {settings.guidance_scale:g}",
            f"seed {settings.seed}",
            f"{pipeline.steps_taken(settings, known or bool(settings.edits))} steps",
            metre(roll),
            asked_words(settings.attributes),
            settings.redraw and f"redrawn {settings.redraw}",
        )
        return ShownPiece(
            kind=self.kind,
            title=self.title,
            detail=" · ".join(filter(None, words)),
            caption="Drawn by Prism's model. No person composed it.",
            name=file_stem("prism", *settings.composers, end=_seeds(settings)),
            roll=roll,
            lines=drawn_lines(*mix, settings.record("prism"), origin),
        )


def _seeds(settings: GenerationSettings) -> str:
    """For the name of a file: that of the whole, how often it was redrawn, and how at last."""
    edits = settings.edits
    return f"seed-{settings.seed}" + (f"-redrawn-{len(edits)}-{edits[-1]}" if edits else "")


class CorpusSource(Source):
    """Looks up a real piece."""

    name = "corpus"
    kind = "Real"
    title = "Real piece"
    hint = "A real piece appears here."
    priority = Priority.BASELINE  # its sound waits for the same click's Prism

    def __init__(self, corpus: Loader[Corpus], withheld: str = "") -> None:
        self.corpus = corpus
        self.withheld = withheld

    def window(self, settings: GenerationSettings) -> Window:
        """Where in which held-out piece by the chosen composers."""
        # The data set's module brings the machine-learning library along.
        from prism.corpora.dataset import corpus_sample

        return corpus_sample(self.corpus.get(), settings.composers, settings.seed)

    def stages(self, settings: GenerationSettings) -> Iterator[Progress]:
        """A single stage."""
        yield Progress(self._piece(settings, self.window(settings)))

    def _piece(self, settings: GenerationSettings, window: Window) -> ShownPiece:
        piece, roll = window.piece, window.roll
        roll = roll if settings.tempo is None else roll.with_tempo(settings.tempo)
        return ShownPiece(
            kind=self.kind,
            title=piece.title,
            detail=window_words(window, roll),
            caption=held_out_words(piece),
            name=f"{piece.label}-{piece.title}",
            roll=roll,
            lines=real_lines(piece),
            source=self.name,
            withheld=self.withheld,
        )


@dataclasses.dataclass(frozen=True)
class AMTPrompt:
    """What the baseline starts from, in words and as music, and whose composers it is told."""

    words: str
    prompt: PianoRoll | None = None
    melody: PianoRoll | None = None
    told: GenerationSettings | None = None

    @property
    def mix(self) -> str:
        """The composers it is told with their shares; empty for none."""
        return self.told.mix if self.told else ""


def opening_words(title: str) -> str:
    """What the baseline continues."""
    return f"prompted with the opening of {title} (not played)"


class BaselineSource(Source):
    """Lets the Anticipatory Music Transformer write, in `models`.

    The real source knows the prompt, and Prism's draws the roll whose melody may be accompanied.
    """

    name = "amt"
    kind = "Generated · baseline"
    title = "AMT"
    hint = "A baseline, the Anticipatory Music Transformer, writes here note by note."
    priority = Priority.BASELINE

    def __init__(
        self,
        amt: Loader[AMTPipeline],
        real: CorpusSource,
        prism: PrismSource,
        models: Scheduler,
    ) -> None:
        self._amt = amt
        self._real = real
        self._prism = prism
        self._models = models

    def stages(self, settings: GenerationSettings) -> Iterator[Progress]:
        """As many notes as are worth showing, after a stage in which Prism goes first."""
        yield Progress(text="Begins when Prism is done.")
        amt, start = self._amt.get(), self.prompt(settings)
        stream, shown_at = self.stream(settings, start), time.monotonic()
        for growth in self._models.iterate(stream, self.priority, 1, HEARTBEAT_SECONDS):
            if growth is None:
                yield Progress()
            elif growth.done or time.monotonic() - shown_at >= _NOTE_SECONDS:
                shown_at = time.monotonic()
                yield Progress(self._piece(settings, amt, start, growth))

    def prompt(self, settings: GenerationSettings) -> AMTPrompt:
        """What the model is given; it is told no composers unless it knows them all."""
        from prism.corpora.dataset import prompt_sample

        told = settings if set(settings.composers) <= set(self._amt.get().composers) else None
        if settings.amt_start == "nothing":
            return AMTPrompt("unprompted", told=told)
        if settings.amt_start == "melody":
            melody = top_line(self._prism.piece(settings).roll)
            return AMTPrompt("accompanies Prism's melody", melody=melody, told=told)
        window = prompt_sample(self._real.corpus.get(), self._real.window(settings), settings.seed)
        words = opening_words(window.piece.title)
        return AMTPrompt(words, prompt_roll(window), told=told)

    def stream(self, settings: GenerationSettings, start: AMTPrompt) -> Iterator[PartialSample]:
        """The model's own notes, one after another."""
        told = ("composers", "composer_weights") if start.told else ()
        return self._amt.get().stream(
            prompt=start.prompt,
            melody=start.melody,
            seed=amt_seed(settings.seed),
            tempo=settings.tempo,
            **{name: getattr(settings, name) for name in told},
        )

    def _piece(
        self,
        settings: GenerationSettings,
        amt: AMTPipeline,
        start: AMTPrompt,
        growth: PartialSample,
    ) -> ShownPiece:
        model, seed = amt.name, settings.seed
        told = f"told {start.mix}" if start.mix else ""
        number = f"seed {amt_seed(seed)} (from {seed})"
        words = [model, told, start.words, number, metre(growth.roll)]
        by = settings.composers if start.told or settings.amt_start != "nothing" else []
        writing = f"{model} writes: note {growth.notes}, beat {int(growth.beats)} of 64."
        done = f"Generated by {model}, note by note. No person composed it."
        return ShownPiece(
            kind=self.kind,
            title=self.title,
            detail=" · ".join(filter(None, words)),
            caption=done if growth.done else writing,
            name=file_stem("amt", *by, end=f"{settings.amt_start}-seed-{seed}"),
            roll=growth.roll,
            lines=written_lines(model, start.mix, amt_seed(seed), checkpoint(amt.model)),
            source=self.name,
        )


# In the order in which the page shows them.
TITLES = {source.name: source.title for source in (PrismSource, CorpusSource, BaselineSource)}
