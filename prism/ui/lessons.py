"""The How it works tab: seven lessons, of which only the open one computes, and their player."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import gradio as gr
from gradio.components import Component

from prism import ASSETS
from prism.models.setting_types import Number
from prism.models.settings import SETTINGS
from prism.music.roll import BEATS
from prism.service import lesson_views
from prism.service.lesson_views import View
from prism.service.service import Service
from prism.ui.element import Element
from prism.ui.player import (
    PianoRollPlayer,
    StatusLine,
    connect_png,
    piece_value,
    player_value,
    status,
)

logger = logging.getLogger(__name__)

_HEARD = ["prism-players", "prism-lesson-heard"]
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
# Of many events in a row the last one counts.
_RUNNING = _QUIET | {"preprocess": False, "trigger_mode": "always_last", "concurrency_limit": 1}
# The player may have been put on the page this very moment.
_PLAY = """() => {
  let tries = 120;
  const play = () => {
    const player = document.querySelector('.prism-lesson-heard .prism-player');
    const button = player?.querySelector('.play');
    if (!button || button.disabled) { if (tries--) requestAnimationFrame(play); return; }
    player.scrollIntoView({ block: 'nearest' });
    if (player.querySelector('audio').paused) button.click();
  };
  play();
}"""
_INTRODUCTION = """## How it works, hands on
Seven small experiments with the models of the Play tab. Each runs here and now, and every roll can
be played."""


class LessonRolls(Element):
    """Small rolls side by side, with a slider through their stages; its value is `View.value`.

    Its ``hear`` event carries ``column`` and ``picture``, which roll is wanted.
    """

    asset = "page/lesson-rolls"
    parts = ("player/palette", "player/view", "player/roll")


class LessonNumbers(Element):
    """The numbers of one beat as bars to be dragged; its value is `View.numbers`.

    It holds ``key`` (whose they are), ``numbers`` and ``own`` (as the music has them). Its
    ``changed`` event says that the visitor has moved one.
    """

    asset = "page/lesson-numbers"


@dataclasses.dataclass(frozen=True)
class ComposerControl:
    """A choice of composers, filled in when the tab is opened; `default` is an index of them."""

    label: str = "Composer"
    default: int = 0

    def component(self) -> gr.Dropdown:
        """Lay it out."""
        return gr.Dropdown([], label=self.label, min_width=180)

    def checked(self, name: str | None, known: list[str]) -> str:
        """A composer that the model knows; the default if none was chosen yet."""
        if not name:
            return known[self.default]
        if name not in known:
            raise ValueError(f"Prism has not learned {name}: choose one of {', '.join(known)}")
        return name


@dataclasses.dataclass(frozen=True)
class NumberControl:
    """A number within a range: a slider, or a field if it is a seed."""

    label: str
    low: float = 0
    high: float = SETTINGS["seed"].high
    default: float = 7
    step: float = 1
    info: str | None = None

    def component(self) -> gr.Slider | gr.Number:
        """Lay it out."""
        if self.high == SETTINGS["seed"].high:
            return gr.Number(
                self.default, label=self.label, info=self.info, precision=0, min_width=130
            )
        return gr.Slider(
            self.low, self.high, self.default, step=self.step, label=self.label, min_width=180
        )

    def checked(self, value: Any, known: list[str]) -> float:
        """The number, if it is within the range."""
        whole = self.step == 1
        number = Number(
            name=self.label, default=self.default, low=self.low, high=self.high, whole=whole
        )
        return number.check(value)


_COMPOSER = ComposerControl()
_SEED = NumberControl("Seed", info="same seed, same notes")
_PIECE = NumberControl("Piece", info="any number draws one")


@dataclasses.dataclass(frozen=True)
class Lesson:
    """One panel: a paragraph in Markdown, a button, controls, and what it shows for their values.

    One with numbers has a `LessonNumbers` as well, whose value comes after those of the controls.
    """

    name: str
    action: str
    show: Callable[..., Iterator[View]]
    controls: tuple[ComposerControl | NumberControl, ...]
    text: str
    has_numbers: bool = False

    def views(self, service: Service, *values: Any) -> Iterator[View]:
        """What is shown for these values of the controls.

        Raises
        ------
        ValueError, OSError
            With a sentence for the visitor.
        """
        known = service.composers
        count = len(self.controls)
        try:
            checked = [
                control.checked(value, known)
                for control, value in zip(self.controls, values[:count], strict=True)
            ]
        except ValueError as error:
            raise ValueError(f"{error}, then press {self.action}.") from error
        yield from self.show(service, *checked, *values[count:])


LESSONS = (
    Lesson(
        "1 Noise",
        "Show",
        lesson_views.noise,
        (_COMPOSER, _PIECE),
        """### Music dissolves
Every beat of this real piece is written as a row of numbers. The slider sets the diffusion time
**t**: the numbers are mixed, (1 − t) parts music and t parts noise, and decoded into notes. At 0
you hear the piece, at 1 nothing of it is left. Training is no more than this: the model sees such
mixtures at every t, and learns to predict the direction back to the music.""",
    ),
    Lesson(
        "2 Steps",
        "Draw",
        lesson_views.steps,
        (_COMPOSER, _SEED),
        """### Noise becomes music
Generating runs the film backwards. The sampler begins with pure noise, given by the seed. At each
step the model looks at the current sample and predicts the finished music: the **clean estimate**.
The sampler goes only a small way towards it, then asks again. Early estimates are vague, because
much is still possible; at the end both are the same roll.""",
    ),
    Lesson(
        "3 Guidance",
        "Draw five",
        lesson_views.guidance,
        (_COMPOSER, _SEED),
        """### How much to follow the composer
At every step the model predicts twice: once with the composer, once without. The **guidance
scale** says how far to go from the second prediction towards the first, and beyond it: 0 ignores
the composer, 1 follows the model as it is, more exaggerates. The seed is the same, so all else is
equal. The bar shows how sure another network, trained on real pieces, is of the composer. Too much
guidance makes the music crowded.""",
    ),
    Lesson(
        "4 Mixing",
        "Draw five",
        lesson_views.mixing,
        (ComposerControl("From"), ComposerControl("To", -1), _SEED),
        f"""### Two composers at once
No piece in the corpus is half one composer's and half another's, so the model has never seen one.
It can mix all the same: at every step it predicts once for each composer, and the sampler takes a
weighted mean of the predictions. Do not expect too much: mostly one of them wins, or the music
sounds like somebody else's. {lesson_views.measured_mixtures(ASSETS / "evaluation.json")}""",
    ),
    Lesson(
        "5 Numbers",
        "Show",
        lesson_views.numbers,
        (
            _COMPOSER,
            _PIECE,
            NumberControl("Beat", 1, BEATS, 9),
            NumberControl("Noise σ", 0, 1, 0, step=0.05),
        ),
        """### A beat is a few numbers
The model never sees notes. A small network, the **autoencoder**, writes each beat as a row of
numbers, the bars below, and turns rows back into notes. Pick a beat and drag across its bars: no
number is a note or a chord, and one alone seldom changes anything, but several do. That is why the
music stays clean when all numbers are a little off: **σ** adds noise to every beat, and up to about
0.3 hardly a note is lost.""",
        has_numbers=True,
    ),
    Lesson(
        "6 Two ways",
        "Record both",
        lesson_views.race,
        (_COMPOSER, _SEED),
        """### Note by note, or all at once
Two ways to write 64 beats. The baseline on the right is **autoregressive**: it decides one note
after another from left to right, knows all that it has written, and takes nothing back.
**Diffusion** on the left works on all 64 beats from the start and sharpens them together; any of
them may still change until the last step. Both are recorded on this machine, and the clock counts
only the time in which each model works.""",
    ),
    Lesson(
        "7 Scores",
        "Compare",
        lesson_views.scores,
        (_COMPOSER, _PIECE),
        """### What a score says
The cosine says how similar two rolls are by a network's features, 1 for identical, and no more.
Here one real roll is compared with itself, with slight changes, with other music and with nonsense;
the grey stretch below a bar is the middle half of real pairs by one composer. The ImageNet network
was trained on photographs, and scores shuffled notes close to a real piece; the corpus network
recognises them as nonsense. Both score the same music in another key as almost the same: a high
score can mean a copy, and neither network knows whether the music is good.""",
    ),
)


@dataclasses.dataclass(frozen=True)
class LessonPanel:
    """A lesson's tab, controls and rolls, what they show, and all components that it fills."""

    tab: gr.Tab
    controls: list[Component]
    rolls: LessonRolls
    view: gr.State
    outputs: list[Component]


class LessonRunner:
    """Event handlers of one lesson."""

    def __init__(self, lesson: Lesson, service: Service) -> None:
        self.lesson = lesson
        self._service = service

    def opened(self, view: View | None, *values: Any) -> Iterator[tuple]:
        """Run once, when the panel is first seen."""
        if view is None:
            yield from self.run(*values)
        else:
            yield self._update()

    def run(self, *values: Any) -> Iterator[tuple]:
        """(status, rolls, view, the numbers if it has any); errors change the status alone."""
        yield self._update(status("Working… If the models are still loading, a few seconds."))
        try:
            for view in self.lesson.views(self._service, *values):
                yield self._update(status(view.said), view)
        except Exception as error:  # whatever it was, the rest of the page goes on
            logger.error("%s", error, exc_info=not isinstance(error, (ValueError, OSError)))
            yield self._update(status(str(error), error=True))

    def hear(self, view: View | None, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Make one of the rolls sound; (player, piece, its column)."""
        if view is None:
            return gr.skip(), gr.skip(), gr.skip()
        piece = view.piece(self.lesson.name, event.column, event.picture).render()
        return piece_value(piece), piece, gr.update(visible=True)

    def _update(self, line: Any = None, view: View | None = None) -> tuple:
        """What `run` yields; whatever is not new is skipped."""
        line = line or gr.skip()
        shown = (view.value(), view) if view and view.columns else (gr.skip(), gr.skip())
        if not self.lesson.has_numbers:
            return line, *shown
        return line, *shown, (view and view.numbers) or gr.skip()


def lessons_tab(service: Service) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    runners = [LessonRunner(lesson, service) for lesson in LESSONS]
    with gr.Tab("How it works") as tab:
        gr.Markdown(_INTRODUCTION, elem_classes="prism-prose")
        with gr.Tabs(elem_classes="prism-lessons"):
            panels = [_panel(runner) for runner in runners]
        with gr.Column(visible=False, elem_classes=_HEARD) as column:
            player, piece = PianoRollPlayer(player_value("")), gr.State(None)
    choices = [c for panel in panels for c in panel.controls if isinstance(c, gr.Dropdown)]
    # The first lesson runs by itself: a panel that is seen counts as selected.
    tab.select(partial(_composers, service), choices[0], choices, preprocess=False, **_QUIET)
    for runner, panel in zip(runners, panels, strict=True):
        # What sounds is another lesson's.
        panel.tab.select(lambda: gr.update(visible=False), None, column, queue=False, **_QUIET)
        panel.rolls.hear(runner.hear, panel.view, [player, piece, column], **_QUIET).then(
            None, None, None, js=_PLAY, api_visibility="private"
        )
    connect_png(player, piece)


def _panel(runner: LessonRunner) -> LessonPanel:
    """Lay out one lesson and connect it; it runs by itself when first opened."""
    lesson = runner.lesson
    with gr.Tab(lesson.name) as tab:
        gr.Markdown(lesson.text, elem_classes="prism-prose")
        with gr.Column(elem_classes="prism-controls"):
            with gr.Row(equal_height=True):
                controls = [control.component() for control in lesson.controls]
            with gr.Row(elem_classes="prism-actions"):
                button = gr.Button(lesson.action, variant="primary", scale=0, min_width=150)
                line = StatusLine(status(""), min_width=220)
        with gr.Column(elem_classes="prism-below"):
            view = gr.State(None)
            numbers = [LessonNumbers(None)] if lesson.has_numbers else []
            rolls = LessonRolls(None)
    outputs = [line, rolls, view, *numbers]
    button.click(runner.run, controls, outputs, **_RUNNING)
    if numbers:
        *_, beat, noise = controls
        for event in (beat.input, noise.input, numbers[0].changed):
            event(runner.run, [*controls, *numbers], outputs, **_RUNNING)
    tab.select(runner.opened, [view, *controls], outputs, **_RUNNING)
    return LessonPanel(tab, controls, rolls, view, outputs)


def _composers(service: Service, chosen: str | None) -> list[Any]:
    """The composers for every choice of one, unless they are there."""
    defaults = [
        control.default
        for lesson in LESSONS
        for control in lesson.controls
        if isinstance(control, ComposerControl)
    ]
    try:
        names = [] if chosen else service.composers
    except (ValueError, OSError):
        names = []  # the lessons say what is wrong
    if not names:
        return [gr.skip() for _ in defaults]
    return [gr.update(choices=names, value=names[place]) for place in defaults]
