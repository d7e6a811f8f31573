"""Loading what takes seconds while the page already answers."""

from __future__ import annotations

import logging
import pathlib
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from prism.music.roll import PianoRoll
from prism.service.gpu import gpu_is_lent
from prism.service.scheduler import Priority, Scheduler

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.models.pipeline import PrismPipeline
    from prism.similarity.neighbours import TrainingIndex
    from prism.similarity.scorer import SimilarityScorer

Loaded = TypeVar("Loaded")
logger = logging.getLogger(__name__)


class Loader(Generic[Loaded]):
    """Loads something once, when it is first asked for.

    After a failure, of which `error` tells, the next `get` tries again, so that a missing file can
    be put in place while the app runs. What computes is loaded among the `models`, anything else in
    the thread of whoever comes first.

    Examples
    --------
    >>> loader = Loader(lambda: 42)
    >>> loader.get()
    42
    """

    def __init__(self, load: Callable[[], Loaded], models: Scheduler | None = None) -> None:
        self._load = partial(models.run, load, priority=Priority.BASELINE) if models else load
        self._lock = threading.Lock()
        self._loaded: list[Loaded] = []
        self.error = ""

    @property
    def ready(self) -> bool:
        """Whether `get` would answer at once."""
        return bool(self._loaded)

    @property
    def state(self) -> str:
        """``ready``, ``loading``, or ``failed:`` and why."""
        if self.ready:
            return "ready"
        return f"failed: {self.error}" if self.error else "loading"

    def get(self) -> Loaded:
        """What was loaded; waits for it, and raises whatever kept it from loading."""
        with self._lock:
            if not self._loaded:
                try:
                    self._loaded.append(self._load())
                    self.error = ""
                except Exception as error:  # whatever it was, it is told as well as raised
                    self.error = str(error) or type(error).__name__
                    raise
            return self._loaded[0]


def load_in_background(*loaders: Loader) -> None:
    """Load one after the other; a failure is logged and met again by `Loader.get`."""

    def load() -> None:
        for loader in loaders:
            try:
                loader.get()
            except Exception as error:  # whatever it was, `get` raises it where a visitor sees it
                logger.error("%s", error)

    threading.Thread(target=load, daemon=True).start()


def load_pipeline(folder: str | pathlib.Path) -> PrismPipeline:
    """Load the model and draw once, so that no visitor waits for what a first call sets up."""
    from prism.models.pipeline import PrismPipeline

    pipeline = PrismPipeline.from_pretrained(folder)
    if not gpu_is_lent():  # a lent GPU is there only while a visitor's roll is drawn
        pipeline(pipeline.composers[0], num_inference_steps=1)
    return pipeline


def load_amt(name: str | pathlib.Path) -> AMTPipeline:
    """Load the baseline from a folder or, where `name` is none, from the Hub."""
    from prism.amt.pipeline import AMTPipeline

    return AMTPipeline.from_pretrained(name)


def load_scorer(folder: str | pathlib.Path, corpus: Loader[Corpus]) -> SimilarityScorer:
    """Load the feature networks with their bands, and compare once, as `load_pipeline` draws."""
    from prism.similarity.scorer import SimilarityScorer

    scorer = SimilarityScorer.from_pretrained(folder, list(corpus.get().labels))
    scorer.features([PianoRoll.empty()])
    return scorer


def load_index(corpus: Loader[Corpus]) -> TrainingIndex:
    """Make the training music ready to be searched."""
    from prism.similarity.neighbours import TrainingIndex

    return TrainingIndex(corpus.get())
