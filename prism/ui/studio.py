"""What the page does, without the page: choices in, pieces out, stage by stage."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from prism.music import PianoRoll
from prism.ui.baseline import AMTSide
from prism.ui.cache import RecentResults
from prism.ui.choice import Choice, read_choice
from prism.ui.loading import Loader
from prism.ui.piece import ShownPiece
from prism.ui.sides import CorpusSide, PrismSide, Side
from prism.ui.turns import Turn, Turns
from prism.ui.worker import Worker

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.pipeline import PrismPipeline
    from prism.similarity.judge import Judge
    from prism.similarity.neighbours import TrainingIndex

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
    judge : Loader of Judge
        Compares pieces.
    index : Loader of TrainingIndex
        Finds the nearest training music.
    models : Worker, optional
        Where the models work; one of its own by default.
    """

    def __init__(
        self,
        pipeline: Loader[PrismPipeline],
        corpus: Loader[Corpus],
        amt: Loader[AMTPipeline],
        judge: Loader[Judge],
        index: Loader[TrainingIndex],
        models: Worker | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.corpus = corpus
        self.amt = amt
        self.judge = judge
        self.index = index
        self.models = models or Worker()
        self._prism = PrismSide(pipeline, self.models)
        real = CorpusSide(corpus)
        baseline = AMTSide(amt, real, self.prism_roll, self.models)
        self.sides: dict[str, Side] = {s.name: s for s in (self._prism, real, baseline)}
        self._recent: RecentResults[ShownPiece] = RecentResults(RECENT_RESULTS)
        self.turns = Turns()

    @property
    def composers(self) -> list[str]:
        """What can be chosen: the model's labels, the corpus's if there is no model.

        Raises
        ------
        ValueError, OSError
            The model's complaint if neither can be loaded.
        """
        try:
            return self.pipeline.get().composers
        except (ValueError, OSError) as model_error:
            try:
                return list(self.corpus.get().labels)
            except (ValueError, OSError):
                raise model_error from None

    def choice(
        self,
        composers: Sequence[str] | None,
        weights: Sequence[float | None],
        guidance_scale: float | None = 2.0,
        seed: float | None = 0,
        num_inference_steps: float | None = 16,
        tempo: float | None = None,
        amt_start: str | None = "opening",
    ) -> Choice:
        """What the controls hold, checked; see `read_choice`."""
        return read_choice(
            composers,
            weights,
            guidance_scale,
            seed,
            num_inference_steps,
            tempo,
            amt_start,
            known=self.composers,
        )

    def fill(self, name: str, choice: Choice) -> Iterator[Progress]:
        """Make one side's piece, or take it from the recent results.

        Something comes at least every few tenths of a second, even if nothing is new: whoever
        iterates can stop only between two items.
        """
        side = self.sides[name]
        piece = self._recent.get(side.key(choice))
        if piece is not None:
            yield Progress(piece, "The same choice gives the same piece: here it is.", done=True)
            return
        with self.turns.take(side.rank, side.patience_seconds, side.head_start_seconds) as turn:
            for progress in self._progress(side, choice, turn):
                piece = progress.piece or piece
                yield progress
            self._finish(side, choice, piece)
        yield Progress(piece, f"Done: {len(piece.roll.notes())} notes. Press play.", done=True)

    def finished(self, name: str, choice: Choice) -> PianoRoll:
        """One side's finished roll, made as `fill` makes it."""
        *_, last = self.fill(name, choice)
        return last.piece.roll

    def prism_roll(self, choice: Choice) -> PianoRoll:
        """Prism's finished roll, drawn anew if it is not among the recent results."""
        piece = self._recent.get(self._prism.key(choice))
        if piece is None:
            *_, last = self._prism.stages(choice)
            piece = last.piece()
        return piece.roll

    def _progress(self, side: Side, choice: Choice, turn: Turn) -> Iterator[Progress]:
        """The stages worth showing; gives way after each."""
        shown_at = 0.0
        for stage in side.stages(choice):
            if stage.last or time.monotonic() - shown_at >= side.pace_seconds:
                shown_at = time.monotonic()
                yield Progress(stage.piece and stage.piece(), stage.text)
            for _ in turn.moments():
                yield Progress()

    def _finish(self, side: Side, choice: Choice, piece: ShownPiece) -> None:
        """Write the piece's files and remember it; one without sound is not remembered."""
        piece.render()
        if not piece.message:
            self._recent.put(side.key(choice), piece)
