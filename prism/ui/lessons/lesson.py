"""What all lessons have in common: how they are laid out, run, fail and sound."""

from __future__ import annotations

import abc
import dataclasses
import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import gradio as gr
from gradio.components import Component

from prism.music.naming import window_words
from prism.service.choice import MAXIMUM_SEED, wrong_number
from prism.service.studio import Studio
from prism.ui.lessons.rolls import LessonRolls, View
from prism.ui.player import StatusLine, piece_value, status

if TYPE_CHECKING:
    from prism.music.roll import PianoRoll
    from prism.music.windows import Window

logger = logging.getLogger(__name__)

_RANK = 3  # whoever waits for a piece on the Play tab goes first
_PATIENCE_SECONDS = 4.0
_STEPS = 16
DRAWN = "Drawn by Prism's model. No person composed it."
# How events run that show something: of many in a row the last one counts.
RUNNING: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "preprocess": False,
    "trigger_mode": "always_last",
    "concurrency_limit": 1,
}


@dataclasses.dataclass(frozen=True)
class Panel:
    """A lesson's components: its controls, its rolls, what they show, and all that it fills."""

    tab: gr.Tab
    controls: list[Component]
    rolls: LessonRolls
    view: gr.State
    outputs: list[Component]

    @property
    def composers(self) -> list[gr.Dropdown]:
        """The controls that choose a composer."""
        return [control for control in self.controls if isinstance(control, gr.Dropdown)]


class Lesson(abc.ABC):
    """One panel of the tab: a paragraph, a few controls, and rolls made with the real models.

    Parameters
    ----------
    studio : Studio
        Its models and corpus take part.

    Attributes
    ----------
    name : str
        Of the panel.
    text : str
        The paragraph, in Markdown.
    action : str
        The words on its button.
    outputs : int
        How many components `run` fills.
    defaults : tuple of int
        For each choice of a composer, which one stands there at first.
    """

    name: ClassVar[str]
    text: ClassVar[str]
    action: ClassVar[str]
    outputs: ClassVar[int] = 3
    defaults: ClassVar[tuple[int, ...]] = (0,)

    def __init__(self, studio: Studio) -> None:
        self.studio = studio

    @abc.abstractmethod
    def controls(self) -> list[Component]:
        """Lay out the controls, in a row."""

    @abc.abstractmethod
    def views(self, *controls: Any) -> Iterator[View]:
        """What is shown for these values of the controls, growing; the last one is the result.

        Raises
        ------
        ValueError, OSError
            With a sentence for the visitor.
        """

    def lay_out(self) -> Panel:
        """Lay out the panel as a tab and connect it; it runs by itself when first opened."""
        with gr.Tab(self.name) as tab:
            panel = self._inside(tab)
        tab.select(self.opened, [panel.view, *panel.controls], panel.outputs, **RUNNING)
        return panel

    def _inside(self, tab: gr.Tab) -> Panel:
        gr.Markdown(self.text, elem_classes="prism-prose")
        with gr.Column(elem_classes="prism-controls"):
            with gr.Row(equal_height=True):
                controls = self.controls()
            with gr.Row(elem_classes="prism-actions"):
                button = gr.Button(self.action, variant="primary", scale=0, min_width=150)
                line = StatusLine(status(""), min_width=220)
        with gr.Column(elem_classes="prism-below"):
            view, more = gr.State(None), self.more()
            rolls = LessonRolls(View([]).value())
        outputs = [line, rolls, view, *more]
        button.click(self.run, controls, outputs, **RUNNING)
        for event in self.triggers(controls, more):
            event(self.run, [*controls, *more], outputs, **RUNNING)
        return Panel(tab, controls, rolls, view, outputs)

    def more(self) -> list[Component]:
        """Lay out what else stands above the rolls; none by default."""
        return []

    def triggers(self, controls: list[Component], more: list[Component]) -> list[Callable]:
        """Events that run the lesson with what is `more` beside the controls; none by default."""
        return []

    def opened(self, view: View | None, *controls: Any) -> Iterator[tuple]:
        """Run once, when the panel is first seen."""
        if view is None:
            yield from self.run(*controls)
        else:
            yield self._with()

    def run(self, *controls: Any) -> Iterator[tuple]:
        """(status, rolls, view, whatever is more); what went wrong is told in the status alone."""
        yield self._with(status("Working… If the models are still loading, a few seconds."))
        try:
            with self.studio.turns.take(_RANK, _PATIENCE_SECONDS) as turn:
                for view in self.views(*controls):
                    yield self._shown(view)
                    for _ in turn.moments():
                        yield self._with()
        except Exception as error:  # whatever it was, the rest of the page goes on
            logger.error("%s", error, exc_info=not isinstance(error, (ValueError, OSError)))
            yield self._with(status(str(error), error=True))

    def hear(self, view: View | None, event: gr.EventData) -> tuple[Any, Any, Any]:
        """Make one of the rolls sound; (player, piece, its column)."""
        if view is None:
            return gr.skip(), gr.skip(), gr.skip()
        piece = view.piece(self.name, event.column, event.picture).render()
        return piece_value(piece), piece, gr.update(visible=True)

    def _shown(self, view: View) -> tuple:
        """What `run` yields for a view; one without columns leaves what is shown alone."""
        if not view.columns:
            return self._with(status(view.said))
        return status(view.said), view.value(), view, *view.more

    def _with(self, said: Any = None) -> tuple:
        """What `run` yields if at most the status is new."""
        line = gr.skip() if said is None else said
        return line, *(gr.skip() for _ in range(self.outputs - 1))

    # ---- what several lessons use ----

    def composer(self, name: str | None, choice: int = 0) -> str:
        """A composer that the model knows; the default of that choice if none was chosen yet."""
        known = self.studio.composers
        if not name:
            return known[self.defaults[choice]]
        if name not in known:
            raise ValueError(
                f"Prism has not learned {name}: choose one of {', '.join(known)}, then press "
                f"{self.action}."
            )
        return name

    def number(
        self, name: str, value: Any, low: float, high: float, whole: bool = False
    ) -> float | int:
        """A number within its range.

        Raises
        ------
        ValueError
            If it is not; the message says what to do.
        """
        wrong = wrong_number(name, value, low, high, whole)
        if wrong:
            raise ValueError(f"{wrong}: change it, then press {self.action}.")
        return int(value) if whole else float(value)

    def seed(self, value: Any, name: str = "Seed") -> int:
        """A seed within its range."""
        return self.number(name, value, 0, MAXIMUM_SEED, whole=True)

    def window(self, composer: str, piece: Any) -> Window:
        """A held-out window by the composer; `piece` is the seed that draws it."""
        # It brings the machine-learning library along.
        from prism.corpora.dataset import corpus_sample

        return corpus_sample(self.studio.corpus.get(), [composer], self.seed(piece, "Piece"))

    def drawn(
        self, composers: list[str], weights: list[float], guidance_scale: float, seed: int
    ) -> PianoRoll:
        """The roll that the model draws, a step at a time, so that clicks come between."""
        models = self.studio.models
        stream = self.studio.pipeline.get().stream(
            composers, weights, guidance_scale=guidance_scale, num_inference_steps=_STEPS, seed=seed
        )
        *_, last = models.iterate(stream)
        return models.run(lambda: last.rolls[0])

    def recognised(self, roll: PianoRoll) -> dict[str, float]:
        """How likely each composer is in the eyes of the corpus network, 0 to 1."""
        network = self.studio.judge.get().networks["corpus"]
        (found,) = self.studio.models.run(network.probabilities, [roll]).tolist()
        return dict(zip(network.composers, found, strict=True))


def composer_control(label: str = "Composer") -> gr.Dropdown:
    """A choice of composers, filled in when the tab is opened."""
    return gr.Dropdown([], label=label, min_width=180)


def seed_control(label: str = "Seed", info: str = "same seed, same notes") -> gr.Number:
    """A seed."""
    return gr.Number(7, label=label, info=info, precision=0, min_width=130)


def piece_control() -> gr.Number:
    """The seed that draws a held-out piece."""
    return seed_control("Piece", "any number draws one")


def window_title(window: Window) -> str:
    """A held-out window's name and place."""
    return f"{window.piece.title} · {window_words(window, window.roll)}"


def percent(share: float) -> str:
    """A probability as it is read.

    Examples
    --------
    >>> percent(0.374)
    '37 %'
    """
    return f"{round(100 * share)} %"


def count_notes(roll: PianoRoll) -> str:
    """How many notes a roll has, in words."""
    count = int(roll.onset.sum())
    return f"{count} note{'' if count == 1 else 's'}"
