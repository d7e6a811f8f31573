"""The Evaluate tab: the stored experiment, and a small one that runs while one looks on."""

from __future__ import annotations

import functools
import json
import pathlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism.evaluation.report import (
    NETWORK_NAMES,
    SYSTEM_NAMES,
    composer_table,
    cosine_table,
    note,
    statistics_table,
    steering_table,
    system_table,
    table,
    verdict,
)
from prism.service.service import Service
from prism.ui.player import StatusLine, status

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTOutput
    from prism.drawing.figures import Figure
    from prism.evaluation.systems import Run
    from prism.models.pipeline import PrismOutput
    from prism.music.roll import PianoRoll
    from prism.similarity.scorer import Score

RUNS_RANGE = (5, 20)
_SHOWN = ("prism", "amt", "real")

_INTRODUCTION = """## Which of the two comes nearer to real music?
The experiment of the report that Prism grew out of, repeated: again and again a composer and a
held-out piece by that composer are drawn at random, both models make a sample, and two networks
score how similar each sample is to the piece. For comparison: another real piece by the composer,
which is as close as can be expected, and nonsense made of the piece's notes."""

# Two sentences for each figure, under the names that `prism.drawing.figures` gives them.
_FIGURES = {
    "cosines": """### How alike
Each dot is one run's cosine with the held-out piece, 1 for the same picture; the box is the
middle half. Compare with the real pieces and the nonsense: where those lie close together, the
network hardly tells music from noise.""",
    "wins": """### Who won
The number of runs in which a model's sample was closer to the held-out piece than the other's.
The thin lines are 95 % intervals; one that crosses the dashed line is a draw.""",
    "originality": """### How new
For each sample the training music with most notes in common was found, in any key and at any
beat; the curve shows how many samples are at least this close. Real held-out pieces show how much
two pieces of one style share anyway; a curve far to the right of theirs would mean copying.""",
    "mixing": """### Two composers at once
Pairs of composers were mixed with different weights, and the corpus network was asked which
composers it recognises. If mixing works, the first composer gains as the second loses, and both
are likely at even weights.""",
    "guidance": """### The guidance scale
The share of samples that the corpus network recognises as their composer's, and how different
samples for one composer are from each other. More guidance makes samples more typical and more
alike; the dashed lines are real music.""",
    "confusion": """### How good the corpus network is
Each row shows how it classifies held-out pieces of one composer; a perfect network would leave
only the diagonal. It confuses composers who sound alike, as a listener would.""",
}


class Evaluation:
    """What the tab shows and does.

    Parameters
    ----------
    service : Service
        Its models and corpus take part in the live experiment.
    path : Path
        The stored result, ``evaluation.json``.
    """

    def __init__(self, service: Service, path: pathlib.Path) -> None:
        self.service = service
        self.path = path

    @functools.cached_property
    def result(self) -> dict[str, Any] | None:
        """The stored result; None if there is none."""
        if not self.path.is_file():
            return None
        return json.loads(self.path.read_text(encoding="utf-8"))

    @functools.cached_property
    def figures(self) -> dict[str, Figure]:
        """Drawn when somebody first looks: matplotlib takes most of a second to import."""
        from prism.drawing.figures import evaluation_figures

        return evaluation_figures(self.result)

    def plots(self) -> list[Figure]:
        """The figures in the order of the page."""
        return [self.figures[name] for name in _FIGURES]

    def tables(self) -> str:
        """The stored result's tables, or what is missing."""
        if self.result is None:
            return (
                f"There is no stored experiment ({self.path.name} is missing). "
                "Make it with: `prism evaluate`"
            )
        parts = (verdict, cosine_table, system_table, statistics_table, steering_table, note)
        return "\n\n".join(filter(None, (part(self.result) for part in parts)))

    def live(self, count: float, seed: float) -> Iterator[tuple[dict[str, Any], str]]:
        """Run a small experiment; (status, table so far) after every run."""
        from prism.evaluation.systems import Systems, planned_runs

        service, done = self.service, []
        try:
            count, seed = _checked(count, seed)
            yield status("Loading the models, a few seconds…"), live_table(done)
            shared = SharedModels(service)
            systems = Systems(shared.prism, shared.amt, service.corpus.get(), shared.composers)
            for run in planned_runs(service.composers, count, seed):
                words = f"Run {run.number + 1} of {count}…"
                yield status(words, share=run.number / count), live_table(done)
                scores = shared.scores(systems.reference(run), systems.draw(run))
                done.append((run, scores))
        except (ValueError, OSError) as error:
            yield status(str(error), error=True), live_table(done)
            return
        yield status(f"Done: {count} runs."), live_table(done)


class SharedModels:
    """The models as an experiment calls them, working between the visitors' clicks.

    Parameters
    ----------
    service : Service
        Its models.
    """

    def __init__(self, service: Service) -> None:
        self._models = service.models
        self._prism, self._amt, self._scorer = (
            loader.get() for loader in (service.pipeline, service.amt, service.scorer)
        )

    def prism(self, composer: str, seed: int) -> PrismOutput:
        """One sample."""
        return self._models.run(self._prism, composer, seed=seed)

    @property
    def composers(self) -> list[str]:
        """Those that the baseline can be told."""
        return self._amt.composers

    def amt(self, opening: PianoRoll, seed: int, composers: list[str] | None) -> AMTOutput:
        """One sample, which clicks can interrupt after every note."""
        from prism.amt.pipeline import AMTOutput

        *_, last = self._models.iterate(self._amt.stream(opening, seed=seed, composers=composers))
        return AMTOutput([last.roll], (seed,))

    def scores(self, *rolls: Any) -> dict[str, list[Score]]:
        """See `SimilarityScorer.scores`."""
        return self._models.run(self._scorer.scores, *rolls)


def _checked(count: float, seed: float) -> tuple[int, int]:
    low, high = RUNS_RANGE
    if not isinstance(count, (int, float)) or count != int(count) or not low <= count <= high:
        raise ValueError(f"Runs: expected a whole number from {low} to {high}, got {count}.")
    if not isinstance(seed, (int, float)) or seed != int(seed) or not 0 <= seed < 100_000:
        raise ValueError(f"Seed: expected a whole number from 0 to 99999, got {seed}.")
    return int(count), int(seed)


def live_table(runs: Sequence[tuple[Run, dict[str, list[Score]]]]) -> str:
    """A row a run, and the means; cosines of both networks for the models and a real piece."""
    pairs = [(network, system) for network in NETWORK_NAMES for system in _SHOWN]
    head = [f"{SYSTEM_NAMES[system]}, {NETWORK_NAMES[network]}" for network, system in pairs]
    rows, columns = [], []
    for run, scores in runs:
        found = {(s.network, system): s.cosine for system in _SHOWN for s in scores[system]}
        columns.append([found[pair] for pair in pairs])
        rows.append([str(run.number + 1), run.composer, *(f"{x:.3f}" for x in columns[-1])])
    if rows:
        means = [sum(column) / len(rows) for column in zip(*columns, strict=True)]
        rows.append(["", "**mean**", *(f"**{mean:.3f}**" for mean in means)])
    return table(["run", "composer", *head], rows)


def evaluate_tab(evaluation: Evaluation) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("Evaluate") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        gr.Markdown(evaluation.tables(), elem_classes="prism-table")
        _live_panel(evaluation)
        if evaluation.result is not None:
            with gr.Accordion("Composer by composer", open=False):
                gr.Markdown(composer_table(evaluation.result), elem_classes="prism-table")
            plots = [_figure(words) for words in _FIGURES.values()]
            tab.select(
                evaluation.plots, None, plots, api_visibility="private", show_progress="hidden"
            )


def _figure(words: str) -> gr.Plot:
    gr.Markdown(words, elem_classes="prism-prose")
    return gr.Plot(show_label=False, container=False, elem_classes="prism-figure")


def _live_panel(evaluation: Evaluation) -> None:
    gr.Markdown(
        "### Try it\nA small experiment with your own seed, on this machine, now.",
        elem_classes="prism-prose",
    )
    with gr.Row(equal_height=True, elem_classes="prism-controls"):
        count = gr.Slider(*RUNS_RANGE, value=RUNS_RANGE[0], step=1, label="Runs", min_width=200)
        seed = gr.Number(1, label="Seed of the experiment", min_width=160)
        run = gr.Button("Run", variant="primary", scale=0, min_width=120)
        cancel = gr.Button("Cancel", scale=0, min_width=100)
    line = StatusLine(status(""))
    table = gr.Markdown("", elem_classes="prism-table")
    running = run.click(
        evaluation.live,
        [count, seed],
        [line, table],
        preprocess=False,
        api_name="experiment",
        show_progress="hidden",
        concurrency_limit=1,
    )
    cancel.click(None, cancels=running, api_visibility="private", queue=False).then(
        lambda: status("Cancelled; the runs above are complete."),
        None,
        line,
        api_visibility="private",
        queue=False,
        show_progress="hidden",
    )
