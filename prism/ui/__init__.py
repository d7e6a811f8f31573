"""The page. Gradio is imported here and nowhere else."""

from prism.ui.loading import (
    Loader,
    load_amt,
    load_corpus,
    load_index,
    load_judge,
    load_pipeline,
)
from prism.ui.page import build_ui, launch_options
from prism.ui.worker import Worker

__all__ = [
    "Loader",
    "Worker",
    "build_ui",
    "launch_options",
    "load_amt",
    "load_corpus",
    "load_index",
    "load_judge",
    "load_pipeline",
]
