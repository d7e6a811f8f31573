"""The cosine score: what it says and what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gradio.components import Component

from prism.ui.lessons.lesson import (
    Lesson,
    composer_control,
    count_notes,
    piece_control,
    window_title,
)
from prism.ui.lessons.rolls import Meter, Picture, View, side_by_side
from prism.ui.scores import number

if TYPE_CHECKING:
    from prism.similarity.bands import Band
    from prism.similarity.judge import Score

_NAMES = {"imagenet": "ImageNet network", "corpus": "Corpus network"}
_YARDSTICK = "same_composer"


class Cosine(Lesson):
    """One real roll against itself, its relatives and nonsense."""

    name = "7 Scores"
    action = "Compare"
    text = """### What a score says
The cosine says how alike two rolls look to a network, 1 being the same in its eyes, and no more.
Here one real roll is held against itself, changed a little, against other music and against
nonsense; the grey stretch below a bar is the middle half of real pairs by one composer. The
ImageNet network knows photographs, and puts shuffled notes close to a real piece; the corpus
network hears that they are nonsense. Both take the same music in another key for almost the same:
a high score can mean a copy, and neither knows whether the music is good."""

    def controls(self) -> list[Component]:
        """See `Lesson.controls`."""
        return [composer_control(), piece_control()]

    def views(self, *controls: Any) -> Iterator[View]:
        """See `Lesson.views`."""
        from prism.service.lessons import relatives

        composer, piece = self.composer(controls[0]), self.seed(controls[1], "Piece")
        window = self.window(composer, piece)
        rolls = relatives(self.studio.corpus.get(), window, piece)
        judge = self.studio.judge.get()
        scores = self.studio.models.run(judge.scores, window.roll, rolls)
        pictures = [
            Picture(
                words,
                roll,
                count_notes(roll),
                meters_of(scores[words], judge.bands),
                caption=f"Compared with {window_title(window)}.",
            )
            for words, roll in rolls.items()
        ]
        yield side_by_side(pictures, f"Each against {window_title(window)}.")


def meters_of(scores: list[Score], bands: dict[str, dict[str, Band]]) -> tuple[Meter, ...]:
    """A meter a network, with the band of two pieces by one composer; below 0 is empty."""
    meters = []
    for score in scores:
        quantiles = bands[score.network][_YARDSTICK].quantiles
        text = f"{number(score.cosine)}, {score.words}"
        band = (max(0.0, quantiles[1]), max(0.0, quantiles[3]))
        meters.append(Meter(_NAMES[score.network], text, max(0.0, score.cosine), band))
    return tuple(meters)
