"""The page. Gradio is imported here and nowhere else."""

from prism.ui.examples import load_examples
from prism.ui.gpu import gpu_is_lent
from prism.ui.health import Health
from prism.ui.loading import (
    Loader,
    load_amt,
    load_corpus,
    load_index,
    load_judge,
    load_pipeline,
)
from prism.ui.log import configure_logging
from prism.ui.memory import give_memory_back
from prism.ui.page import build_ui, launch_options
from prism.ui.worker import Worker

__all__ = [
    "Health",
    "Loader",
    "Worker",
    "build_ui",
    "configure_logging",
    "give_memory_back",
    "gpu_is_lent",
    "launch_options",
    "load_amt",
    "load_corpus",
    "load_examples",
    "load_index",
    "load_judge",
    "load_pipeline",
]
