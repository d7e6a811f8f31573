"""The sources of pieces: Prism, the corpus and the baseline."""

from __future__ import annotations

import abc
import dataclasses
import threading
import time
from collections.abc import Callable, Generator, Hashable, Iterator
from typing import TYPE_CHECKING, ClassVar, Generic, NamedTuple, TypeVar

from prism.amt.prompt import amt_seed, prompt_roll
from prism.corpora.provenance import checkpoint
from prism.models.edits import AMT, PRISM, REAL, YOURS
from prism.models.setting_types import SettingError
from prism.models.settings import GenerationSettings
from prism.music.metadata import (
    file_stem,
    held_out_words,
    metre,
    real_lines,
    window_words,
    written_lines,
)
from prism.music.roll import PianoRoll, top_line
from prism.music.windows import cut
from prism.service.drawn import (
    drawn_caption,
    drawn_detail,
    drawn_file_name,
    drawn_origin,
)
from prism.service.gpu import gpu_is_lent, on_lent_gpu
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.scheduler import Priority, Scheduler

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline, PartialSample
    from prism.amt.studio import Studio
    from prism.corpora.prepared import Corpus
    from prism.models.continuation import Draft
    from prism.models.pipeline import PrismPipeline
    from prism.music.windows import Window

Value = TypeVar("Value")
GPU_SECONDS = 20  # 64 steps take less than a second on one, being handed one takes longer
HEARTBEAT_SECONDS = 0.5
STOPPED = "Stopped."
_PREVIEW_SECONDS = 0.12
_NOTE_SECONDS = 0.3
_DRAWN_KEPT = 16
# Whose bars can be kept.
_LANES = {REAL: "corpus", AMT: "amt"}


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

    `done` says that the piece is the result, with its files; `stopped`, that no more will come;
    `playable`, that the piece can be heard though it goes on.
    """

    piece: ShownPiece | None = None
    text: str = ""
    done: bool = False
    stopped: bool = False
    playable: bool = False

    def with_sound_of(self, begun: ShownPiece | None) -> Progress:
        """The same, to be heard with the files of a piece with which it begins."""
        if begun is None or self.piece is None:
            return self
        return dataclasses.replace(self, piece=dataclasses.replace(self.piece, files=begun.files))


class Source(abc.ABC):
    """Where a piece comes from: its name in the program, and the words of its empty player."""

    name: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]
    hint: ClassVar[str]
    priority: ClassVar[Priority] = Priority.GENERATE

    @abc.abstractmethod
    def stages(
        self, settings: GenerationSettings, own: ShownPiece | None = None
    ) -> Iterator[Progress]:
        """Make the piece, without files; something comes every `HEARTBEAT_SECONDS` at least.

        `own` is the visitor's piece, of which bars may be kept.
        """

    def piece(self, settings: GenerationSettings, own: ShownPiece | None = None) -> ShownPiece:
        """The finished piece, without files."""
        *_, piece = (stage.piece for stage in self.stages(settings, own) if stage.piece)
        return piece.played_on(settings.program)


class PrismSource(Source):
    """Draws with Prism's model, which works in `models`; by the baseline, where that is asked for.

    `lane` makes the piece of another source of which bars are kept.
    """

    name = "prism"
    kind = "Generated"
    title = "Prism"
    hint = "Choose a composer, press Generate, and watch it being drawn."

    def __init__(
        self,
        pipeline: Loader[PrismPipeline],
        models: Scheduler,
        amt: Loader[AMTPipeline] | None = None,
        lane: Callable[[str, GenerationSettings], Iterator[Progress]] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self._amt, self._lane = amt, lane
        self._models = models
        # So that who wants the same again meanwhile, or its melody, need not wait for the sound.
        self._drawn: RecentResults[PianoRoll] = RecentResults(_DRAWN_KEPT)
        # The host looks for such a function before the page is served.
        self._draw_on_lent_gpu = on_lent_gpu(self._previews, GPU_SECONDS)
        self._draw_takes_on_lent_gpu = on_lent_gpu(self._takes, GPU_SECONDS)

    def stages(
        self, settings: GenerationSettings, own: ShownPiece | None = None
    ) -> Iterator[Progress]:
        """The drafts that are worth showing."""
        self._studio(settings)
        kept = (yield from self._kept(settings, own)) if settings.kept else None
        for preview in self._drawing(settings, kept and kept.roll):
            if preview is None:
                yield Progress()
                continue
            roll, words, playable, last = preview
            if last:
                # A lent GPU draws in another process, where `_previews` remembers in vain.
                self._drawn.put(settings.key_for(self.name), roll)
            yield Progress(self.shown(settings, roll, kept), f"Drawing: {words}", playable=playable)

    def _studio(self, settings: GenerationSettings) -> Studio:
        """What draws; loads no more than it needs."""
        from prism.amt.studio import Studio

        kept = [settings.kept.by] if settings.kept else []
        by = {*kept, *(edit.by for edit in settings.edits)}
        amt = self._amt.get() if self._amt and by - {PRISM} else None
        return Studio(self.pipeline.get(), amt)

    def _kept(
        self, settings: GenerationSettings, own: ShownPiece | None
    ) -> Generator[Progress, None, ShownPiece]:
        """The piece of which bars are kept, made where it is not the visitor's."""
        mine = settings.kept.source == YOURS
        if mine and own:
            return own
        if mine or self._lane is None:
            expected = "bars of a piece that is here: with your own goes its MIDI file"
            raise SettingError("keep", expected, settings.keep)
        for progress in self._lane(_LANES[settings.kept.source], settings.single):
            piece = progress.piece
            yield Progress(text="The piece that it goes on from comes first.")
        if piece.withheld:
            expected = "bars of amt or of your own file, as real notes are not passed on here"
            raise SettingError("keep", expected, settings.keep)
        return piece

    def _drawing(
        self, settings: GenerationSettings, kept: PianoRoll | None
    ) -> Iterator[_Preview | None]:
        if gpu_is_lent():
            return self._draw_on_lent_gpu(settings, kept)
        return self._models.iterate(
            self._previews(settings, kept), self.priority, heartbeat_seconds=HEARTBEAT_SECONDS
        )

    def _previews(
        self, settings: GenerationSettings, kept: PianoRoll | None
    ) -> Iterator[_Preview | None]:
        """Those worth decoding, which can be pickled, and None for the others."""
        key = settings.key_for(self.name)
        if drawn := self._drawn.get(key):
            steps = self.pipeline.get().steps_taken(settings)
            yield _Preview(drawn, f"step {steps} of {steps}", False, True)
            return
        shown_at = 0.0
        for draft in self._drafts(settings, kept):
            if not draft.done and time.monotonic() - shown_at < _PREVIEW_SECONDS:
                yield None
                continue
            shown_at = time.monotonic()
            if draft.last:
                self._drawn.put(key, draft.roll)
            playable = draft.done and not draft.last and not settings.edits
            yield _Preview(draft.roll, draft.words, playable, draft.last)

    def takes(self, settings: GenerationSettings) -> Iterator[list[PianoRoll] | None]:
        """All takes of a setting, drawn as one batch; None now and then on the way."""
        self.pipeline.get()
        if gpu_is_lent():
            steps = self._draw_takes_on_lent_gpu(settings)
        else:
            steps = self._models.iterate(
                self._takes(settings), self.priority, heartbeat_seconds=HEARTBEAT_SECONDS
            )
        for rolls in steps:
            # They may have been drawn in another process.
            for take, roll in zip(settings.takes, rolls or (), strict=False):
                self._drawn.put(take.key_for(self.name), roll)
            yield rolls

    def _takes(self, settings: GenerationSettings) -> Iterator[list[PianoRoll] | None]:
        takes = settings.takes
        rolls = [self._drawn.get(take.key_for(self.name)) for take in takes]
        missing = [place for place, roll in enumerate(rolls) if roll is None]
        if missing:
            seeds = [takes[place].drawn_from(settings.seed) for place in missing]
            for preview in self.pipeline.get().stream(takes[0], seeds):
                drawn = preview
                yield None
            for place, roll in zip(missing, drawn.rolls, strict=True):
                rolls[place] = roll
        yield rolls

    def _drafts(self, settings: GenerationSettings, kept: PianoRoll | None) -> Iterator[Draft]:
        """From the latest version that is still there, so that an edit costs what a sample does."""
        studio, edits = self._studio(settings), settings.edits
        for count in reversed(range(len(edits))):
            before = settings.with_edits(edits[:count])
            if drawn := self._drawn.get(before.key_for(self.name)):
                return studio.drafts(settings.with_edits(edits[count:]), before=drawn)
        return studio.drafts(settings, kept)

    def shown(
        self, settings: GenerationSettings, roll: PianoRoll, kept: ShownPiece | None = None
    ) -> ShownPiece:
        """A roll that was drawn, perhaps around kept bars of a piece, with its words."""
        pipeline = self.pipeline.get()
        steps = pipeline.steps_taken(settings)
        origin = checkpoint(pipeline.autoencoder, pipeline.dit)
        return ShownPiece(
            kind=self.kind,
            title=self.title,
            detail=drawn_detail(settings, roll, steps, kept),
            caption=drawn_caption(settings, kept),
            name=drawn_file_name(settings, kept),
            roll=roll,
            lines=drawn_origin(settings, origin, kept),
            source=self.name,
        )


class _Preview(NamedTuple):
    """A roll on its way; see `prism.models.continuation.Draft` and `Progress`."""

    roll: PianoRoll
    words: str
    playable: bool
    last: bool


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

    def stages(
        self, settings: GenerationSettings, own: ShownPiece | None = None
    ) -> Iterator[Progress]:
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

    def stages(
        self, settings: GenerationSettings, own: ShownPiece | None = None
    ) -> Iterator[Progress]:
        """As many notes as are worth showing, after a stage in which Prism goes first."""
        yield Progress(text="Begins when Prism is done.")
        amt, start = self._amt.get(), self.prompt(settings, own)
        stream, shown_at = self.stream(settings, start), time.monotonic()
        for growth in self._models.iterate(stream, self.priority, 1, HEARTBEAT_SECONDS):
            if growth is None:
                yield Progress()
            elif growth.done or time.monotonic() - shown_at >= _NOTE_SECONDS:
                shown_at = time.monotonic()
                yield Progress(self._piece(settings, amt, start, growth))

    def prompt(self, settings: GenerationSettings, own: ShownPiece | None = None) -> AMTPrompt:
        """What the model is given; it is told no composers unless it knows them all."""
        from prism.corpora.dataset import prompt_sample

        told = settings if set(settings.composers) <= set(self._amt.get().composers) else None
        if settings.amt_start == "nothing":
            return AMTPrompt("unprompted", told=told)
        if settings.amt_start == "melody":
            melody = top_line(cut(self._prism.piece(settings, own).roll, 0))
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
