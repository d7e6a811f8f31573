"""What the page does, without the page: choices in, pieces out, stage by stage."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from prism.models.settings import PUBLIC, SETTINGS, GenerationSettings, Offered
from prism.music.roll import PianoRoll
from prism.service.baseline import AMTSide
from prism.service.cache import RecentResults
from prism.service.examples import StoredExample
from prism.service.loading import Loader
from prism.service.log import note_piece
from prism.service.piece import ShownPiece
from prism.service.sides import CorpusSide, PrismSide, Side
from prism.service.turns import Turn, Turns
from prism.service.worker import Worker

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import PrismPipeline
    from prism.service.upload import OwnPiece
    from prism.similarity.neighbours import TrainingIndex
    from prism.similarity.scorer import SimilarityScorer

RECENT_RESULTS = 96


@dataclasses.dataclass(frozen=True)
class Progress:
    """What is new on one side.

    Parameters
    ----------
    piece : ShownPiece or None
        What to show; None for what is already there.
    text : str
        What to say; empty for nothing new.
    done : bool
        Whether this is the result, with its files.
    """

    piece: ShownPiece | None = None
    text: str = ""
    done: bool = False


class Studio:
    """Fills the sides of the page for all visitors.

    Parameters
    ----------
    pipeline : Loader of PrismPipeline
        The model.
    corpus : Loader of Corpus
        Real music.
    amt : Loader of AMTPipeline
        The baseline.
    judge : Loader of SimilarityScorer
        Compares pieces.
    index : Loader of TrainingIndex
        Finds the nearest training music.
    models : Worker, optional
        Where the models work; one of its own by default.
    examples : Loader of sequence of StoredExample, optional
        Results that were made before; none by default.
    """

    def __init__(
        self,
        pipeline: Loader[PrismPipeline],
        corpus: Loader[Corpus],
        amt: Loader[AMTPipeline],
        judge: Loader[SimilarityScorer],
        index: Loader[TrainingIndex],
        models: Worker | None = None,
        examples: Loader[Sequence[StoredExample]] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.corpus = corpus
        self.amt = amt
        self.judge = judge
        self.index = index
        self.models = models or Worker()
        self.examples = examples or Loader(tuple)
        self._prism = PrismSide(pipeline, self.models)
        real = CorpusSide(corpus)
        baseline = AMTSide(amt, real, self.prism_roll, self.models)
        self.sides: dict[str, Side] = {s.name: s for s in (self._prism, real, baseline)}
        self._recent: RecentResults[ShownPiece] = RecentResults(RECENT_RESULTS)
        self.turns = Turns()

    @property
    def offered(self) -> Offered:
        """What can be chosen: what the model knows, the corpus's labels if there is no model.

        Raises
        ------
        ValueError, OSError
            The model's complaint if neither can be loaded.
        """
        try:
            model = self.pipeline.get()
            return model.offered
        except (ValueError, OSError) as model_error:
            try:
                return Offered(list(self.corpus.get().labels), {})
            except (ValueError, OSError):
                raise model_error from None

    @property
    def composers(self) -> list[str]:
        """The labels of `offered`; raises as it."""
        return self.offered.composers

    def choice(self, **values: Any) -> GenerationSettings:
        """Check what was chosen, by public names, with what can be chosen."""
        return GenerationSettings.read(values, self.offered)

    def read(self, composers: Sequence[str] | None, *others: Any) -> GenerationSettings:
        """Check the page's controls: the composers, every weight, and the settings in order."""
        most = SETTINGS["composers"].most
        weights = others[:most][: len(composers or ())]
        settings = dict(zip(list(PUBLIC)[2:], others[most:], strict=False))
        return self.choice(composers=composers, weights=weights, **settings)

    def fill(
        self, name: str, choice: GenerationSettings, kept: ShownPiece | None = None
    ) -> Iterator[Progress]:
        """Make one side's piece, or take it from the recent results or the stored examples.

        Something comes at least every few tenths of a second, even if nothing is new: whoever
        iterates can stop only between two items.

        Parameters
        ----------
        name : str
            Of the side.
        choice : GenerationSettings
            What to make it of.
        kept : ShownPiece, optional
            The very piece, made before, without its files.
        """
        side = self.sides[name]
        piece = self._recent.get(side.key(choice)) or self._stored(side, choice)
        note_piece(cached=piece is not None)
        if piece is not None:
            yield Progress(piece, "The same choice gives the same piece: here it is.", done=True)
            return
        with self.turns.take(side.rank, side.patience_seconds, side.head_start_seconds) as turn:
            news = [Progress(kept)] if kept else self._progress(side, choice, turn)
            for progress in news:
                piece = progress.piece or piece
                yield progress
            self._finish(side, choice, piece)
        yield Progress(piece, f"Done: {len(piece.roll.notes())} notes. Press play.", done=True)

    def compare_with(self, own: OwnPiece, tempo: float | None) -> Iterator[Progress]:
        """Show a visitor's own music; nobody else's fill finds it."""
        piece = own.shown(tempo)
        yield Progress(piece)
        yield Progress(piece.render(), done=True)

    def prism_roll(self, choice: GenerationSettings) -> PianoRoll:
        """Prism's finished roll, drawn anew if it is not among the recent results."""
        piece = self._recent.get(self._prism.key(choice))
        if piece is None:
            *_, last = self._prism.stages(choice)
            piece = last.piece()
        return piece.roll

    def _stored(self, side: Side, choice: GenerationSettings) -> ShownPiece | None:
        """The side's piece out of the examples, unless they are still loading."""
        examples = self.examples.get() if self.examples.ready else ()
        key = side.key(choice)
        same = (e.pieces.get(side.name) for e in examples if side.key(e.choice) == key)
        return next(same, None)

    def _progress(self, side: Side, choice: GenerationSettings, turn: Turn) -> Iterator[Progress]:
        """The stages worth showing; gives way after each."""
        shown_at = 0.0
        for stage in side.stages(choice):
            if stage.last or time.monotonic() - shown_at >= side.pace_seconds:
                shown_at = time.monotonic()
                yield Progress(stage.piece and stage.piece(), stage.text)
            for _ in turn.moments():
                yield Progress()

    def _finish(self, side: Side, choice: GenerationSettings, piece: ShownPiece) -> None:
        """Write the piece's files and remember it; one without sound is not remembered."""
        piece.render()
        if not piece.message:
            self._recent.put(side.key(choice), piece)
