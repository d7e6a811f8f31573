"""The sides of the page: what each is called, what it depends on, how it makes its piece."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from prism.corpora.provenance import checkpoint
from prism.models.settings import GenerationSettings
from prism.music.metadata import drawn_lines, real_lines
from prism.music.naming import drawn_words, file_stem, held_out_words, window_words
from prism.music.roll import PianoRoll
from prism.service.gpu import gpu_is_lent, on_lent_gpu
from prism.service.loading import Loader
from prism.service.piece import ShownPiece
from prism.service.worker import Worker

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import Preview, PrismPipeline
    from prism.music.windows import Window

GPU_SECONDS = 20  # 64 steps take less than a second on one, being handed one takes longer


@dataclasses.dataclass(frozen=True)
class Stage:
    """A piece on its way.

    Parameters
    ----------
    text : str
        How far it has got.
    piece : callable or None
        Makes what can be shown of it, which costs something; None while there is nothing.
    last : bool
        Whether the roll is finished.
    """

    text: str = ""
    piece: Callable[[], ShownPiece] | None = None
    last: bool = False


class Side(abc.ABC):
    """One of the sides.

    Attributes
    ----------
    name : str
        Its name in the program.
    kind, title, hint : str
        The words of its empty player.
    rank : int
        Who goes first where the processor has to be shared; 0 does.
    patience_seconds, head_start_seconds : float
        How it gives way to lower ranks; see `prism.service.turns.Turn`.
    pace_seconds : float
        Stages that follow each other faster are not shown.
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    title: ClassVar[str]
    hint: ClassVar[str]
    rank: ClassVar[int]
    patience_seconds: ClassVar[float] = 0.0
    head_start_seconds: ClassVar[float] = 0.0
    pace_seconds: ClassVar[float] = 0.0

    def key(self, choice: GenerationSettings) -> tuple:
        """Equal for choices that give the same piece."""
        return choice.key_for(self.name)

    @abc.abstractmethod
    def stages(self, choice: GenerationSettings) -> Iterator[Stage]:
        """Make the piece; the last stage holds the finished roll, still without files."""


class PrismSide(Side):
    """Draws with Prism's model.

    Parameters
    ----------
    pipeline : Loader of PrismPipeline
        The model.
    models : Worker
        Where it works.
    """

    name = "prism"
    kind = "Generated"
    title = "Prism"
    hint = "Choose a composer, press Generate, and watch it being drawn."
    rank = 0
    pace_seconds = 0.12

    def __init__(self, pipeline: Loader[PrismPipeline], models: Worker) -> None:
        self.pipeline = pipeline
        self._models = models
        # The host looks for such a function before the page is served.
        self._draw_on_lent_gpu = on_lent_gpu(self._rolls, GPU_SECONDS)

    def stages(self, choice: GenerationSettings) -> Iterator[Stage]:
        """One stage a sampler step: its clean estimate."""
        steps = choice.num_inference_steps
        for step, decoded in self._decoded_later(choice):
            yield Stage(
                f"Drawing: step {step} of {steps}",
                lambda decoded=decoded: self._piece(choice, decoded()),
                last=step == steps,
            )

    def _decoded_later(
        self, choice: GenerationSettings
    ) -> Iterator[tuple[int, Callable[[], PianoRoll]]]:
        """(step, what makes its roll); on a lent GPU the roll is there already."""
        if gpu_is_lent():
            for step, roll in self._draw_on_lent_gpu(choice):
                yield step, lambda roll=roll: roll
            return
        for preview in self._models.iterate(self._previews(choice)):
            yield preview.step, partial(self._models.run, lambda p=preview: p.rolls[0])

    def _previews(self, choice: GenerationSettings) -> Iterator[Preview]:
        return self.pipeline.get().stream(choice)

    def _rolls(self, choice: GenerationSettings) -> Iterator[tuple[int, PianoRoll]]:
        """What can be pickled of the previews."""
        for preview in self._previews(choice):
            yield preview.step, preview.rolls[0]

    def _piece(self, choice: GenerationSettings, roll: PianoRoll) -> ShownPiece:
        return ShownPiece(
            kind=self.kind,
            title=self.title,
            detail=drawn_words(
                choice.mix,
                choice.guidance_scale,
                choice.seed,
                choice.num_inference_steps,
                roll,
                choice.attributes,
            ),
            caption="Drawn by Prism's model. No person composed it.",
            name=file_stem("prism", *choice.composers, end=f"seed-{choice.seed}"),
            roll=roll,
            lines=self._lines(choice),
        )

    def _lines(self, choice: GenerationSettings) -> tuple[str, ...]:
        pipeline = self.pipeline.get()
        origin = checkpoint(pipeline.autoencoder, pipeline.dit)
        return drawn_lines(
            choice.composers, choice.composer_weights, choice.record("prism"), origin
        )


class CorpusSide(Side):
    """Looks up a real piece.

    Parameters
    ----------
    corpus : Loader of Corpus
        Real music.
    """

    name = "corpus"
    kind = "Real"
    title = "Corpus"
    hint = "A real piece appears here."
    rank = 1
    patience_seconds = 2.0

    def __init__(self, corpus: Loader[Corpus]) -> None:
        self.corpus = corpus

    def window(self, choice: GenerationSettings) -> Window:
        """Where in which held-out piece by the chosen composers."""
        # The data set's module brings the machine-learning library along.
        from prism.corpora.dataset import corpus_sample

        return corpus_sample(self.corpus.get(), choice.composers, choice.seed)

    def stages(self, choice: GenerationSettings) -> Iterator[Stage]:
        """A single stage."""
        window = self.window(choice)
        yield Stage(piece=lambda: self._piece(choice, window), last=True)

    def _piece(self, choice: GenerationSettings, window: Window) -> ShownPiece:
        piece, roll = window.piece, window.roll
        roll = roll if choice.tempo is None else roll.with_tempo(choice.tempo)
        return ShownPiece(
            kind=self.kind,
            title=piece.title,
            detail=window_words(window, roll),
            caption=held_out_words(piece),
            name=f"{piece.label}-{piece.title}",
            roll=roll,
            lines=real_lines(piece),
        )
