"""The How it works tab: seven lessons, of which only the open one computes, and their player."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
from gradio.components import Component

from prism import ASSETS
from prism.models.setting_types import Number, Offered
from prism.models.settings import SETTINGS
from prism.music.roll import BEATS
from prism.service import lesson_views
from prism.service.lesson_views import View
from prism.service.log import fault_words, log_fault
from prism.service.service import Service
from prism.service.session import Newest
from prism.ui.controls import setting_control
from prism.ui.element import EACH, QUIET, Element
from prism.ui.player import PianoRollPlayer, StatusLine, piece_value, player_value, status

logger = logging.getLogger(__name__)

_HEARD = ["prism-players", "prism-lesson-heard"]
# Of many events in a row the last one counts.
_RUNNING = QUIET | {"preprocess": False, "trigger_mode": "always_last", "concurrency_limit": 1}
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

    def check(self, name: str | None, offered: Offered) -> str:
        """A composer that the model knows; the default if none was chosen yet."""
        known = offered.composers
        if not name:
            return known[self.default]
        if name not in known:
            raise ValueError(f"Prism has not learned {name}: choose one of {', '.join(known)}")
        return name


def _seed(label: str, help: str) -> Number:
    return dataclasses.replace(SETTINGS["seed"], name=label, label=label, help=help, default=7)


_COMPOSER = ComposerControl()
_SEED = _seed("Seed", "same seed, same notes")
_PIECE = _seed("Piece", "any number draws one")
_BEAT = Number(name="Beat", label="Beat", low=1, high=BEATS, default=9, step=1, whole=True)
_NOISE = Number(name="Noise σ", label="Noise σ", low=0, high=1, default=0, step=0.05)


@dataclasses.dataclass(frozen=True)
class Lesson:
    """One panel: a text, a button, controls, and what it shows for their values.

    The text lies in ``assets``, called as the function. A lesson with numbers has a `LessonNumbers`
    as well, whose value comes after those of the controls.
    """

    name: str
    action: str
    show: Callable[..., Iterator[View]]
    controls: tuple[ComposerControl | Number, ...]
    has_numbers: bool = False

    def text(self, service: Service) -> str:
        """The paragraph above the controls, in Markdown."""
        path = ASSETS / "page" / "lessons" / f"{self.show.__name__}.md"
        text = path.read_text(encoding="utf-8")
        if "{measured}" not in text:
            return text
        return text.replace("{measured}", lesson_views.measured_mixtures(service))

    def views(self, service: Service, *values: Any) -> Iterator[View]:
        """What is shown for these values of the controls.

        Raises
        ------
        ValueError, OSError
            With a sentence for the visitor.
        """
        offered, count = service.offered, len(self.controls)
        try:
            checked = [
                control.check(value, offered)
                for control, value in zip(self.controls, values[:count], strict=True)
            ]
        except ValueError as error:
            raise ValueError(f"{error}, then press {self.action}.") from error
        yield from self.show(service, *checked, *values[count:])


_MIXED = (ComposerControl("From"), ComposerControl("To", -1), _SEED)
_CODED = (_COMPOSER, _PIECE, _BEAT, _NOISE)
LESSONS = (
    Lesson("1 Noise", "Show", lesson_views.noise, (_COMPOSER, _PIECE)),
    Lesson("2 Steps", "Draw", lesson_views.steps, (_COMPOSER, _SEED)),
    Lesson("3 Guidance", "Draw five", lesson_views.guidance, (_COMPOSER, _SEED)),
    Lesson("4 Mixing", "Draw five", lesson_views.mixing, _MIXED),
    Lesson("5 Numbers", "Show", lesson_views.numbers, _CODED, has_numbers=True),
    Lesson("6 Two ways", "Record both", lesson_views.race, (_COMPOSER, _SEED)),
    Lesson("7 Scores", "Compare", lesson_views.scores, (_COMPOSER, _PIECE)),
)


class LessonRunner:
    """Event handlers of one lesson."""

    def __init__(self, lesson: Lesson, service: Service) -> None:
        self.lesson = lesson
        self.service = service

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
            for view in self.lesson.views(self.service, *values):
                yield self._update(status(view.said), view)
        except Exception as error:  # whatever it was, the rest of the page goes on
            log_fault(logger, "lesson", error)
            yield self._update(status(fault_words(error), error=True))

    def hear(
        self, view: View | None, heard: Newest, event: gr.EventData
    ) -> Iterator[tuple[Any, Any, Any]]:
        """Make one of the rolls sound; (player, piece, its column)."""
        sounds = self._heard(view, event.column, event.picture)
        yield from heard.updates(event.when, sounds, (gr.skip(),) * 3)

    def _heard(
        self, view: View | None, column: int, picture: int
    ) -> Iterator[tuple[Any, Any, Any]]:
        if view is None:
            yield (gr.skip(),) * 3
            return
        piece = view.piece(self.lesson.name, column, picture).render()
        yield piece_value(piece), piece, gr.update(visible=True)

    def _update(self, line: Any = None, view: View | None = None) -> tuple:
        """What `run` yields; whatever is not new is skipped."""
        line = line or gr.skip()
        shown = (view.value(), view) if view and view.columns else (gr.skip(), gr.skip())
        if not self.lesson.has_numbers:
            return line, *shown
        return line, *shown, (view and view.numbers) or gr.skip()


def _component(control: ComposerControl | Number) -> Component:
    if isinstance(control, ComposerControl):
        return gr.Dropdown([], label=control.label, min_width=120)
    if control.step:
        return setting_control(control, min_width=240)
    return setting_control(control, info=control.help, min_width=120, precision=0)


def lessons_tab(service: Service) -> None:
    """Lay out the tab; call inside a ``gr.Blocks`` and its ``gr.Tabs``."""
    with gr.Tab("How it works") as tab:
        with gr.Tabs(elem_classes="prism-lessons", overflow_behavior="wrap"):
            panels = [_panel(LessonRunner(lesson, service)) for lesson in LESSONS]
        with gr.Column(visible=False, elem_classes=_HEARD) as column:
            player = PianoRollPlayer(player_value(""))
        heard = gr.State(Newest())
    choices = {
        component: control.default
        for runner, _, controls, *_ in panels
        for control, component in zip(runner.lesson.controls, controls, strict=True)
        if isinstance(control, ComposerControl)
    }

    def fill_composers(chosen: str | None) -> list[Any]:
        """The composers for every choice of one, unless they are there."""
        try:
            names = [] if chosen else service.composers
        except (ValueError, OSError):
            names = []  # the lessons say what is wrong
        if not names:
            return [gr.skip() for _ in choices]
        return [gr.update(choices=names, value=names[place]) for place in choices.values()]

    # The first lesson runs by itself: a panel that is seen counts as selected.
    tab.select(fill_composers, next(iter(choices)), list(choices), preprocess=False, **QUIET)
    for runner, lesson_tab, _, rolls, view in panels:
        # What sounds is another lesson's.
        lesson_tab.select(lambda: gr.update(visible=False), None, column, queue=False, **QUIET)
        outputs = [player, player.piece, column]
        rolls.hear(runner.hear, [view, heard], outputs, **EACH, **QUIET).then(
            None, None, None, js=_PLAY, api_visibility="private"
        )
    player.connect_png()


def _panel(
    runner: LessonRunner,
) -> tuple[LessonRunner, gr.Tab, list[Component], LessonRolls, gr.State]:
    """Lay out one lesson and connect it; it runs by itself when first opened.

    Back come the runner, its tab, its controls, its rolls, and what they show.
    """
    lesson = runner.lesson
    with gr.Tab(lesson.name) as tab, gr.Row(elem_classes="prism-lesson-row"):
        with gr.Column(scale=0, min_width=320, elem_classes="prism-lesson-text"):
            gr.Markdown(lesson.text(runner.service))
            with gr.Column(elem_classes="prism-controls"):
                with gr.Row():
                    controls = [_component(control) for control in lesson.controls]
                with gr.Row(elem_classes="prism-actions"):
                    button = gr.Button(lesson.action, variant="primary", scale=0, min_width=130)
                    line = StatusLine(status(""), min_width=120)
        with gr.Column(scale=1, min_width=0, elem_classes="prism-below"):
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
    return runner, tab, controls, rolls, view
