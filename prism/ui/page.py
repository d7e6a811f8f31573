"""The whole page: heading, panels, footer, and how it is launched."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism.ui.element import ASSETS
from prism.ui.evaluate import Evaluation, evaluate_tab
from prism.ui.generate import Handlers
from prism.ui.judging import Judging
from prism.ui.loading import Loader
from prism.ui.play import connect_opening, play_panel
from prism.ui.studio import Studio
from prism.ui.theme import prism_theme
from prism.ui.worker import Worker

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTPipeline
    from prism.corpora.prepared import Corpus
    from prism.pipeline import PrismPipeline
    from prism.similarity.judge import Judge
    from prism.similarity.neighbours import TrainingIndex

VISITORS_WAITING = 32
FILES_KEPT_SECONDS = 3600

_HEADING = """# Prism
Pick composers and press Generate: a diffusion transformer draws 64 beats of piano music in about a
second, and you can play it against a real piece by the same composers and against a transformer
that writes note by note."""

_FOOTER = """**What you hear.** The first piece is generated: no person wrote it. Prism's own model
drew it, trained on old music in the corpus of the music21 project. The second is a real piece out
of the same corpus, from the part that was held back from training. The third is generated as well,
by the baseline: an Anticipatory Music Transformer, which is not told the composers and takes its
style from what it starts from, the opening of another piece unless you choose otherwise. In the
rolls time runs to the right and pitch upwards; louder notes are stronger in colour, and thin lines
are bars."""


def build_ui(
    pipeline: Loader[PrismPipeline],
    corpus: Loader[Corpus],
    amt: Loader[AMTPipeline],
    judge: Loader[Judge],
    index: Loader[TrainingIndex],
    models: Worker | None = None,
    result: pathlib.Path = ASSETS / "evaluation.json",
) -> gr.Blocks:
    """Lay out the page.

    Parameters
    ----------
    pipeline : Loader of PrismPipeline
        The model, possibly still loading.
    corpus : Loader of Corpus
        Real music, possibly still loading.
    amt : Loader of AMTPipeline
        The baseline, possibly still loading.
    judge : Loader of Judge
        Compares pieces, possibly still loading.
    index : Loader of TrainingIndex
        Finds the nearest training music, possibly still loading.
    models : Worker, optional
        Where they work, and were loaded.
    result : Path
        The stored experiment, as ``python -m prism.evaluation`` writes it.
    """
    studio = Studio(pipeline, corpus, amt, judge, index, models)
    handlers, judging = Handlers(studio), Judging(studio)
    with gr.Blocks(
        title="Prism",
        analytics_enabled=False,
        delete_cache=(FILES_KEPT_SECONDS // 4, FILES_KEPT_SECONDS),
    ) as page:
        gr.Markdown(_HEADING, elem_classes="prism-heading")
        with gr.Tabs():
            with gr.Tab("Play"):
                controls = play_panel(handlers, judging)
            evaluate_tab(Evaluation(studio, result))
        gr.api(judging.score, api_name="score", concurrency_limit=1)
        gr.Markdown(_FOOTER, elem_classes="prism-footer")
        connect_opening(page, controls, handlers)
    return page.queue(max_size=VISITORS_WAITING)


def launch_options() -> dict[str, Any]:
    """Arguments of ``launch``: look, and nothing that leaves the machine or writes history."""
    return {
        "theme": prism_theme(),
        "css_paths": [ASSETS / "page" / "page.css"],
        "footer_links": ["api"],
        "ssr_mode": False,
        "run_history": False,
        "max_file_size": "1mb",
    }
