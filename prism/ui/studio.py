"""What the page does, without the page: choices in, pieces out, step by step."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prism.music import PianoRoll
from prism.ui.cache import RecentResults
from prism.ui.choice import Choice
from prism.ui.loading import Loader
from prism.ui.piece import ShownPiece

if TYPE_CHECKING:
    from prism.corpora.prepared import Corpus
    from prism.pipeline import PrismPipeline

RECENT_RESULTS = 64
PREVIEW_SECONDS = 0.12
# How long a corpus sample's sound stands back for a roll that is being drawn.
PATIENCE_SECONDS = 1.0


class Studio:
    """Draws and looks up pieces for all visitors.

    Parameters
    ----------
    pipeline : Loader of PrismPipeline
        The model.
    corpus : Loader of Corpus
        Real music.
    """

    def __init__(self, pipeline: Loader[PrismPipeline], corpus: Loader[Corpus]) -> None:
        self.pipeline = pipeline
        self.corpus = corpus
        self._recent: RecentResults[ShownPiece] = RecentResults(RECENT_RESULTS)
        self._drawing = threading.Lock()

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

    def recent(self, side: str, choice: Choice) -> ShownPiece | None:
        """A finished piece of ``"prism"`` or ``"corpus"``, if the same was asked for lately."""
        return self._recent.get(_key(side, choice))

    def previews(self, choice: Choice) -> Iterator[tuple[int, PianoRoll]]:
        """The roll while it is drawn: steps done, clean estimate; the last one is the result.

        Steps faster than a browser can draw are left out.
        """
        shown_at = 0.0
        stream = self.pipeline.get().stream(
            list(choice.composers),
            list(choice.weights),
            guidance_scale=choice.guidance_scale,
            num_inference_steps=choice.num_inference_steps,
            seed=choice.seed,
            tempo=choice.tempo,
        )
        with self._drawing:
            for preview in stream:
                last = preview.step == preview.num_inference_steps
                if last or time.monotonic() - shown_at >= PREVIEW_SECONDS:
                    shown_at = time.monotonic()
                    yield preview.step, preview.rolls[0]

    def drawn(self, choice: Choice, roll: PianoRoll) -> ShownPiece:
        """Prism's finished roll as a piece, still without files."""
        guidance = f"guidance {choice.guidance_scale:g}"
        return ShownPiece(
            kind="Generated",
            title="Prism",
            detail=f"{choice.mix} · {guidance} · seed {choice.seed} "
            f"· {choice.num_inference_steps} steps · {_metre(roll)}",
            caption="Drawn by Prism's model. No person composed it.",
            name=f"prism-{'-'.join(choice.composers)}-seed-{choice.seed}",
            roll=roll,
        )

    def real(self, choice: Choice) -> ShownPiece:
        """A held-out piece by the chosen composers as a piece, still without files."""
        # The data set's module brings the machine-learning library along.
        from prism.dataset import corpus_sample

        window = corpus_sample(self.corpus.get(), choice.composers, choice.seed)
        piece, roll = window.piece, window.roll
        roll = roll if choice.tempo is None else roll.with_tempo(choice.tempo)
        return ShownPiece(
            kind="Real",
            title=piece.title,
            detail=f"{piece.label} · from beat {window.start_beat:g} · {_metre(roll)}",
            caption=f"From music21's corpus ({piece.source}), not used in training. "
            f"Terms: {piece.terms}",
            name=f"{piece.label}-{piece.title}",
            roll=roll,
        )

    def finish(self, side: str, choice: Choice, piece: ShownPiece) -> ShownPiece:
        """Write the piece's files and remember it; one without sound is not remembered.

        A real piece's sound waits a little for a roll being drawn, which needs every core.
        """
        if side == "corpus" and self._drawing.acquire(timeout=PATIENCE_SECONDS):
            self._drawing.release()
        piece.render()
        if not piece.message:
            self._recent.put(_key(side, choice), piece)
        return piece


def _key(side: str, choice: Choice) -> tuple:
    if side == "corpus":
        return side, choice.composers, choice.seed, choice.tempo
    return side, choice


def _metre(roll: PianoRoll) -> str:
    beats, unit = roll.time_signature
    return f"{beats}/{unit} at {roll.tempo:g}"
