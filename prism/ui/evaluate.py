"""The Evaluate tab: the stored experiment, and a small one that runs while one looks on."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism import ASSETS
from prism.evaluation.report import (
    NETWORK_NAMES,
    SYSTEM_NAMES,
    answers,
    composer_table,
    figure_names,
    sections,
    span,
    told_of_hundred,
)
from prism.models.setting_types import Number
from prism.models.settings import SETTINGS
from prism.music.writing import table_text
from prism.service.bundle import BundleError
from prism.service.listening import Ballot, tally_words
from prism.service.log import fault_words
from prism.service.service import Service
from prism.ui.charts import Charts, bars, charts
from prism.ui.controls import setting_control
from prism.ui.element import QUIET
from prism.ui.player import StatusLine, status

if TYPE_CHECKING:
    from prism.amt.pipeline import AMTOutput
    from prism.drawing.figures import Figure
    from prism.evaluation.systems import Run, Systems
    from prism.models.pipeline import PrismOutput
    from prism.music.roll import PianoRoll
    from prism.similarity.scorer import Score

RUNS = Number(
    name="runs",
    label="Runs",
    help="how often a composer and a piece are drawn",
    low=1,
    high=20,
    default=5,
    step=1,
    whole=True,
)
# The live one loads the machine: one at a time for all visitors and programs.
ALONE = {"concurrency_id": "experiment", "concurrency_limit": 1}
_SHOWN = ("prism", "amt", "real")

# Whose wins are shown; its colour is that of the lane.
_LANES = {"prism": "prism", "amt": "amt", "real": "corpus"}
_TITLE = "## Which of the two comes nearer to real music?\n"
_INTRODUCTION = """### The experiment
That of the report that Prism grew out of, repeated: again and again a composer and a held-out piece
by that composer are drawn at random, both models make a sample, and two networks score how similar
each sample is to the piece. For comparison: another real piece by the composer, which is as close
as can be expected, and nonsense made of the piece's notes."""


class Evaluation:
    """What the tab shows and does.

    Parameters
    ----------
    service : Service
        Its models and corpus take part in the live experiment; its bundle has the stored one.
    ballot : Ballot, optional
        With what visitors of blind listening said.
    """

    def __init__(self, service: Service, ballot: Ballot | None = None) -> None:
        self.service = service
        self.ballot = ballot
        self.fault = ""

    @functools.cached_property
    def result(self) -> dict[str, Any] | None:
        """The stored result; None if there is none that belongs to the bundle, see `fault`."""
        try:
            return self.service.bundle.document("evaluation")
        except BundleError as error:
            labels, why = self.service.bundle.record("prism").get("labels", ()), str(error)
            if len(labels) == 1:
                why = f"it tells artists apart, and here is one alone, {labels[0]}"
            self.fault = f"There is no stored experiment: {why}"
            return None

    @functools.cached_property
    def plots(self) -> list[Figure]:
        """Drawn when somebody first looks: matplotlib takes most of a second to import."""
        from prism.drawing.figures import evaluation_figures

        return list(evaluation_figures(self.result).values())

    def answers(self) -> str:
        """What the stored result says, or what is missing."""
        return self.fault if self.result is None else answers(self.result)

    def votes(self) -> str:
        """What visitors answered so far."""
        return f"### What listeners say\n{tally_words(self.ballot.votes())}"

    def live(self, count: Any, seed: Any) -> Iterator[tuple[dict[str, Any], str]]:
        """Run a small experiment; (status, table so far) after every run."""
        table = live_table([])
        try:
            for said, share, table in live_experiment(self.service, count, seed):
                yield status(said, share=None if share == 1 else share), table
        except (ValueError, OSError) as error:
            yield status(fault_words(error), error=True), table


def wins(result: dict[str, Any]) -> dict[str, Any]:
    """Who is told from real music, and who is nearer to it, as bars."""
    told = told_of_hundred(result)
    rows = [(SYSTEM_NAMES[who], told[who], lane) for who, lane in _LANES.items() if who in told]
    about = "By a network that has learned from as many windows of each; lower is better."
    right = bars("Told from real music", rows, "right of 100; guessing is 50", about)
    nearer = (
        bars(
            f"Nearer, by the {NETWORK_NAMES[network]}",
            [(SYSTEM_NAMES[who], section["wins"][who], who) for who in ("prism", "amt")],
            f"of {result['runs']} runs",
            f"Prism's share, 95 %: {span(section['wins_interval']['prism'])}.",
        )
        for network, section in result["networks"].items()
    )
    return charts(*[right] * bool(rows), *nearer)


def live_experiment(
    service: Service, count: Any, seed: Any
) -> Iterator[tuple[str, float | None, str]]:
    """Run a small experiment; (what is going on, share that is done, table so far) as it grows.

    Raises
    ------
    ValueError, OSError
        If a number is out of its range, or a model is missing.
    """
    from prism.evaluation.systems import planned_runs

    count, seed, done = RUNS.check(count), SETTINGS["seed"].check(seed), []
    yield "Loading the models, a few seconds…", None, live_table(done)
    systems, score = _systems(service), service.scorer.get().scores
    for run in planned_runs(service.composers, count, seed):
        yield f"Run {run.number + 1} of {count}…", run.number / count, live_table(done)
        rolls = systems.reference(run), systems.draw(run)
        done.append((run, service.models.run(score, *rolls)))
    yield f"Done: {count} {'run' if count == 1 else 'runs'}.", 1, live_table(done)


def _systems(service: Service) -> Systems:
    """The models as an experiment calls them, working between the visitors' clicks."""
    from prism.amt.pipeline import AMTOutput
    from prism.evaluation.systems import Systems

    models, pipeline, baseline = service.models, service.pipeline.get(), service.amt.get()

    def prism(composer: str, seed: int) -> PrismOutput:
        return models.run(pipeline, composer, seed=seed)

    def amt(opening: PianoRoll, seed: int, composers: list[str] | None) -> AMTOutput:
        # Clicks can interrupt it after every note.
        *_, last = models.iterate(baseline.stream(opening, seed=seed, composers=composers))
        return AMTOutput([last.roll], (seed,))

    return Systems(prism, amt, service.corpus.get(), baseline.composers)


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
    return table_text(["run", "composer", *head], rows)


def evaluate_tab(evaluation: Evaluation) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    result = evaluation.result
    with gr.Tab("Evaluate") as tab:
        gr.Markdown(f"{_TITLE}{evaluation.answers()}", elem_classes="prism-prose")
        if result is not None:
            with gr.Column(elem_classes="prism-below"):
                Charts(wins(result))
        if evaluation.ballot is not None:
            votes = gr.Markdown("", elem_classes="prism-prose prism-votes")
            tab.select(evaluation.votes, None, votes, **QUIET)
        _live_panel(evaluation)
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        if result is None:
            return
        plots = [_figure(name) for name in figure_names(result)]
        tab.select(lambda: evaluation.plots, None, plots, **QUIET)
        folded = sections(result) | {"Composer by composer": composer_table(result)}
        for title, words in folded.items():
            with gr.Accordion(title, open=False):
                gr.Markdown(words, elem_classes="prism-table")


def _figure(name: str) -> gr.Plot:
    words = ASSETS / "page" / "figures" / f"{name}.md"
    gr.Markdown(words.read_text(encoding="utf-8"), elem_classes="prism-prose")
    classes = ["prism-figure", f"prism-figure-{name}"]
    return gr.Plot(show_label=False, container=False, elem_classes=classes)


def _live_panel(evaluation: Evaluation) -> None:
    gr.Markdown(
        "### Try it\nA small experiment with your own seed, on this machine, now.",
        elem_classes="prism-prose",
    )
    with gr.Row(equal_height=True, elem_classes="prism-controls"):
        count = setting_control(RUNS, min_width=200)
        seed = setting_control(SETTINGS["seed"], label="Seed of the experiment", min_width=160)
        run = gr.Button("Run", variant="primary", scale=0, min_width=120)
        cancel = gr.Button("Cancel", scale=0, min_width=100)
    line = StatusLine(status(""))
    table = gr.Markdown("", elem_classes="prism-table")
    running = run.click(
        evaluation.live,
        [count, seed],
        [line, table],
        preprocess=False,
        **ALONE,
        **QUIET,
    )
    cancelled = status("Cancelled; the runs above are complete.")
    cancel.click(None, cancels=running, api_visibility="private", queue=False).then(
        lambda: cancelled, None, line, queue=False, **QUIET
    )
