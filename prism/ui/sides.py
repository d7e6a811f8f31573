"""The sides of the page: what each is called, what it depends on, how it makes its piece."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, ClassVar

from prism.music import PianoRoll
from prism.naming import drawn_words, window_words
from prism.ui.choice import Choice
from prism.ui.loading import Loader
from prism.ui.piece import ShownPiece
from prism.ui.worker import Worker

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.dataset import Window
    from prism.pipeline import Preview, PrismPipeline

# Which parts of a choice decide Prism's roll, and which a piece of the corpus.
ROLL_INPUTS = ("composers", "weights", "guidance_scale", "seed", "num_inference_steps", "tempo")
PIECE_INPUTS = ("composers", "seed", "tempo")


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
        How it gives way to lower ranks; see `prism.ui.turns.Turn`.
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

    def key(self, choice: Choice) -> tuple:
        """Equal for choices that give the same piece."""
        return self.name, *(getattr(choice, name) for name in self.inputs(choice))

    @abc.abstractmethod
    def inputs(self, choice: Choice) -> tuple[str, ...]:
        """The parts of a choice that decide the piece."""

    @abc.abstractmethod
    def stages(self, choice: Choice) -> Iterator[Stage]:
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

    def inputs(self, choice: Choice) -> tuple[str, ...]:
        """See `Side.inputs`."""
        return ROLL_INPUTS

    def stages(self, choice: Choice) -> Iterator[Stage]:
        """One stage a sampler step: its clean estimate."""
        steps = choice.num_inference_steps
        stream = self.pipeline.get().stream(
            list(choice.composers),
            list(choice.weights),
            guidance_scale=choice.guidance_scale,
            num_inference_steps=steps,
            seed=choice.seed,
            tempo=choice.tempo,
        )
        for preview in self._models.iterate(stream):
            yield Stage(
                f"Drawing: step {preview.step} of {steps}",
                lambda preview=preview: self._piece(choice, self._decoded(preview)),
                last=preview.step == preview.num_inference_steps,
            )

    def _decoded(self, preview: Preview) -> PianoRoll:
        return self._models.run(lambda: preview.rolls[0])

    def _piece(self, choice: Choice, roll: PianoRoll) -> ShownPiece:
        return ShownPiece(
            kind=self.kind,
            title=self.title,
            detail=drawn_words(
                choice.mix, choice.guidance_scale, choice.seed, choice.num_inference_steps, roll
            ),
            caption="Drawn by Prism's model. No person composed it.",
            name=f"prism-{'-'.join(choice.composers)}-seed-{choice.seed}",
            roll=roll,
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

    def inputs(self, choice: Choice) -> tuple[str, ...]:
        """See `Side.inputs`."""
        return PIECE_INPUTS

    def window(self, choice: Choice) -> Window:
        """Where in which held-out piece by the chosen composers."""
        # The data set's module brings the machine-learning library along.
        from prism.dataset import corpus_sample

        return corpus_sample(self.corpus.get(), choice.composers, choice.seed)

    def stages(self, choice: Choice) -> Iterator[Stage]:
        """A single stage."""
        window = self.window(choice)
        yield Stage(piece=lambda: self._piece(choice, window), last=True)

    def _piece(self, choice: Choice, window: Window) -> ShownPiece:
        piece, roll = window.piece, window.roll
        roll = roll if choice.tempo is None else roll.with_tempo(choice.tempo)
        return ShownPiece(
            kind=self.kind,
            title=piece.title,
            detail=window_words(window, roll),
            caption=f"From music21's corpus ({piece.source}), not used in training. "
            f"Terms: {piece.terms}",
            name=f"{piece.label}-{piece.title}",
            roll=roll,
        )
