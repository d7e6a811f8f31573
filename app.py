"""Serve the page: ``python app.py``.

``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT`` set host and port, ``PRISM_WEIGHTS`` other weights
(a folder, or ``owner/name`` or ``owner/name@revision`` on the Hugging Face Hub), ``PRISM_AMT``
another baseline than ``amt`` inside them, ``PRISM_SOUNDFONT`` another soundfont, ``PRISM_LOG`` the
level of the log. docs/hosting.md tells the rest.
"""

import os
import pathlib
from functools import partial

from prism.models.hub import find_weights
from prism.service.examples import load_examples
from prism.service.gpu import gpu_is_lent
from prism.service.health import Health
from prism.service.loading import (
    Loader,
    load_amt,
    load_corpus,
    load_in_background,
    load_index,
    load_judge,
    load_pipeline,
)
from prism.service.log import configure_logging
from prism.service.memory import give_memory_back
from prism.service.scheduler import Scheduler
from prism.ui.page import build_ui, launch_options

HOME = pathlib.Path(__file__).resolve().parent


def main() -> None:
    """Answer first, then load the models and the corpus."""
    configure_logging()
    give_memory_back()
    name = os.environ.get("PRISM_WEIGHTS") or HOME / "weights"
    weights = Loader(lambda: find_weights(name).resolve())
    models = Scheduler()
    pipeline = Loader(lambda: load_pipeline(weights.get()), models)
    corpus = Loader(partial(load_corpus, HOME / "assets" / "corpus"))
    baseline = Loader(lambda: os.environ.get("PRISM_AMT") or weights.get() / "amt")
    amt = Loader(lambda: load_amt(baseline.get()), models)
    judge = Loader(lambda: load_judge(weights.get() / "similarity", corpus), models)
    index = Loader(partial(load_index, corpus))
    examples = Loader(lambda: load_examples(weights.get(), baseline.get(), corpus))
    if gpu_is_lent():
        pipeline.get()  # such a host wants to know the networks before the page is there
    page = build_ui(pipeline, corpus, amt, judge, index, models, examples=examples, weights=weights)
    health = Health(
        {"model": pipeline, "corpus": corpus}, {"baseline": amt, "scores": judge, "index": index}
    )
    page.launch(prevent_thread_lock=True, **launch_options(health))
    load_in_background(corpus)
    load_in_background(pipeline, amt, judge, index, examples)
    page.block_thread()


if __name__ == "__main__":
    main()
