"""Serve the page: ``python app.py``.

``GRADIO_SERVER_NAME`` and ``GRADIO_SERVER_PORT`` set host and port, ``PRISM_WEIGHTS`` another
folder of weights, ``PRISM_AMT`` another baseline (a folder or a name on the Hugging Face Hub)
than ``amt`` inside it, ``PRISM_SOUNDFONT`` another soundfont.
"""

import os
import pathlib
from functools import partial

from prism.ui import (
    Loader,
    Worker,
    build_ui,
    launch_options,
    load_amt,
    load_corpus,
    load_index,
    load_judge,
    load_pipeline,
)

HOME = pathlib.Path(__file__).resolve().parent


def main() -> None:
    """Answer first, then load the models and the corpus."""
    weights = pathlib.Path(os.environ.get("PRISM_WEIGHTS") or HOME / "weights")
    models = Worker()
    pipeline = Loader(partial(load_pipeline, weights), models)
    corpus = Loader(partial(load_corpus, HOME / "assets" / "corpus"))
    baseline = os.environ.get("PRISM_AMT") or weights.resolve() / "amt"
    amt = Loader(partial(load_amt, baseline), models)
    judge = Loader(partial(load_judge, weights / "similarity", corpus), models)
    index = Loader(partial(load_index, corpus))
    page = build_ui(pipeline, corpus, amt, judge, index, models)
    page.launch(prevent_thread_lock=True, **launch_options())
    pipeline.start()
    corpus.start()
    amt.start(after=pipeline)
    judge.start(after=amt)
    index.start(after=judge)
    page.block_thread()


if __name__ == "__main__":
    main()
