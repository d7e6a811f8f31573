"""The lessons' own element: small rolls side by side, a slider through their stages, sound."""

from __future__ import annotations

import dataclasses
from typing import Any

from prism.music.roll import FRAMES_PER_BEAT, Note, PianoRoll
from prism.service.piece import ShownPiece
from prism.ui.element import Element


class LessonRolls(Element):
    """Shows what a `View` holds; its value is `View.value`.

    Its ``hear`` event carries ``column`` and ``picture``, which roll is wanted.
    """

    asset = "page/lesson-rolls"
    parts = ("player/palette", "player/view", "player/roll")


@dataclasses.dataclass(frozen=True)
class Meter:
    """A bar below a roll.

    Parameters
    ----------
    name, text : str
        What it measures, and the value in words.
    share : float
        How full it is, 0 to 1.
    band : (float, float), optional
        A stretch of it that is shaded, to compare with.
    """

    name: str
    text: str
    share: float
    band: tuple[float, float] | None = None


@dataclasses.dataclass(frozen=True)
class Picture:
    """One roll.

    Parameters
    ----------
    title, words, caption : str
        Above and below it, and the small print where it is heard.
    roll : PianoRoll
        The music.
    meters : tuple of Meter
        Below the words.
    notes : list of Note, optional
        The roll's notes in the order in which they appear, if a view shows them one by one.
    mark : (float, float), optional
        A stretch that is shaded, from beat to beat.
    """

    title: str
    roll: PianoRoll
    words: str = ""
    meters: tuple[Meter, ...] = ()
    notes: list[Note] | None = None
    mark: tuple[float, float] | None = None
    caption: str = ""

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        notes = self.roll.notes() if self.notes is None else self.notes
        return {
            "title": self.title,
            "words": self.words,
            "notes": [(n.pitch, n.start, n.duration, n.velocity) for n in notes],
            "beats": self.roll.beats,
            "bar": self.roll.bar_frames / FRAMES_PER_BEAT,
            "mark": self.mark,
            "meters": [dataclasses.asdict(meter) for meter in self.meters],
        }


@dataclasses.dataclass(frozen=True)
class Column:
    """Pictures that take one place, one after the other.

    Parameters
    ----------
    pictures : list of Picture
        At least one.
    at : list of int, optional
        Which of them is there at each stop; by default the one with the stop's number, and always
        the first if there is but one.
    shown : list of int, optional
        How many of the picture's notes are there at each stop; all by default.
    """

    pictures: list[Picture]
    at: list[int] | None = None
    shown: list[int] | None = None

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        pictures = [picture.value() for picture in self.pictures]
        return {"pictures": pictures, "at": self.at, "shown": self.shown}


@dataclasses.dataclass(frozen=True)
class View:
    """All that an element shows.

    Parameters
    ----------
    columns : list of Column
        From left to right.
    stops : list of str
        The slider's stops in words; none for no slider.
    label : str
        The slider's name.
    start : int
        The stop to begin with.
    seconds : list of float, optional
        When each stop was reached: the stops can then be played like a film.
    said : str
        For the status line.
    more : tuple
        For the other components that the lesson fills.
    """

    columns: list[Column]
    stops: list[str] = dataclasses.field(default_factory=list)
    label: str = ""
    start: int = 0
    seconds: list[float] | None = None
    said: str = ""
    more: tuple[Any, ...] = ()

    def value(self) -> dict[str, Any]:
        """What the browser draws."""
        return {
            "columns": [column.value() for column in self.columns],
            "stops": self.stops,
            "label": self.label,
            "start": self.start,
            "seconds": self.seconds,
        }

    def piece(self, lesson: str, column: int, picture: int) -> ShownPiece:
        """One of the rolls as the page's player takes it; still without sound."""
        picked = self.columns[column].pictures[picture]
        return ShownPiece(
            kind=f"How it works · {lesson}",
            title=picked.title,
            detail=picked.words,
            caption=picked.caption,
            name=f"{lesson}-{picked.title}",
            roll=picked.roll,
        )


def side_by_side(pictures: list[Picture], said: str = "") -> View:
    """A view without a slider."""
    return View([Column([picture]) for picture in pictures], said=said)
