"""The results of one visit, to go back to and compare; nothing of it outlives the visit."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import gradio as gr

from prism.music.naming import asked_words, signature
from prism.music.roll import PianoRoll
from prism.service.piece import ShownPiece
from prism.ui.element import Element
from prism.ui.scores import COMPARED, number

if TYPE_CHECKING:
    from prism.models.settings import GenerationSettings
    from prism.service.sides import Side
    from prism.service.upload import OwnPiece
    from prism.service.visit import Click, Visit
    from prism.similarity.scorer import Score

MOST_ENTRIES = 20
_TOLD_NETWORK = "corpus"  # hears time, which the other one hardly does


class HistoryList(Element):
    """Shows the results; its value is what `history_value` returns.

    Its ``recall`` event carries the ``number`` of the one to go back to.
    """

    asset = "page/history"


@dataclasses.dataclass
class Entry:
    """One result.

    Parameters
    ----------
    number : int
        Counted from 1 through the visit.
    choice : GenerationSettings
        What was asked for.
    own : OwnPiece or None
        The visitor's own music in the place of the corpus's.
    when : float
        When it was finished, in seconds since 1970.
    pieces : dict
        The finished sides, without their files.
    scores : dict
        As in `prism.service.visit.Click`.
    """

    number: int
    choice: GenerationSettings
    own: OwnPiece | None
    when: float = dataclasses.field(default_factory=time.time)
    pieces: dict[str, ShownPiece] = dataclasses.field(default_factory=dict)
    scores: dict[str, list[Score]] = dataclasses.field(default_factory=dict)

    def update(self, click: Click) -> bool:
        """Take over what is new; whether the list looks different now."""
        missing = {name: p for name, p in click.pieces.items() if name not in self.pieces}
        self.pieces |= {
            name: dataclasses.replace(piece, files={}, message="")
            for name, piece in missing.items()
        }
        news = {side: found for side, found in click.scores.items() if side not in self.scores}
        self.scores |= news
        return bool(news)


class History:
    """The latest `MOST_ENTRIES` results; the same choice again is no new one."""

    def __init__(self) -> None:
        self._entries: dict[Hashable, Entry] = {}
        self._count = 0
        self.shown = 0

    @property
    def entries(self) -> list[Entry]:
        """From the first to the last."""
        return list(self._entries.values())

    def note(self, click: Click) -> bool:
        """Write down what has come of a click so far; whether the list looks different now."""
        if click.choice is None or "prism" not in click.pieces:
            return False
        key = _key(click.choice, click.own)
        new = key not in self._entries
        if new:
            self._count += 1
            self._entries[key] = Entry(self._count, click.choice, click.own)
            while len(self._entries) > MOST_ENTRIES:
                del self._entries[next(iter(self._entries))]
        entry = self._entries[key]
        moved, self.shown = self.shown != entry.number, entry.number
        return entry.update(click) or new or moved

    def entry(self, number: int) -> Entry | None:
        """The entry of that number, unless it had to go."""
        return next((e for e in self.entries if e.number == number), None)

    def kept(self, side: Side, choice: GenerationSettings) -> ShownPiece | None:
        """The piece that a side makes of this choice, if it is here."""
        key = side.key(choice)
        same = (
            entry.pieces.get(side.name)
            for entry in self.entries
            if side.key(entry.choice) == key and not _is_own(side, entry)
        )
        return next(filter(None, same), None)


def _key(choice: GenerationSettings, own: OwnPiece | None) -> Hashable:
    return choice, own and own.key


def _is_own(side: Side, entry: Entry) -> bool:
    return side.name == "corpus" and entry.own is not None


def remembered(visit: Visit) -> Any:
    """The list's value with what has come of the latest click."""
    return history_value(visit.history) if visit.history.note(visit.click) else gr.skip()


def history_value(history: History) -> dict[str, Any]:
    """The list's value, the latest result first."""
    return {
        "entries": [_shown(entry) for entry in reversed(history.entries)],
        "shown": history.shown,
        "most": MOST_ENTRIES,
    }


def _shown(entry: Entry) -> dict[str, Any]:
    choice = entry.choice
    return {
        "number": entry.number,
        "title": choice.mix,
        "detail": _detail(choice),
        "beside": f"beside {entry.own.piece.title}" if entry.own else "",
        "scores": _told(entry.scores),
        "when": entry.when,
        "notes": _thumbnail(entry.pieces["prism"].roll),
    }


def _detail(choice: GenerationSettings) -> str:
    words = f"guidance {choice.guidance_scale:g} · seed {choice.seed}"
    metre = choice.time_signature and signature(choice.time_signature)
    return " · ".join(filter(None, [words, metre, asked_words(choice.attributes)]))


def _told(scores: dict[str, list[Score]]) -> str:
    """Who came how near in the eyes of the network that hears time."""
    return " · ".join(
        f"{name} {number(score.cosine)}"
        for side, (_, name) in COMPARED.items()
        for score in scores.get(side, [])
        if score.network == _TOLD_NETWORK
    )


def _thumbnail(roll: PianoRoll) -> list[int]:
    """Pitch, start and end (frames) of every note, one after another."""
    pitch, start, end, _ = roll.arrays()
    return [int(n) for note in zip(pitch, start, end, strict=True) for n in note]
