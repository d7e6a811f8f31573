"""Blind listening: which piece stands in which lane is known here alone until the visitor answered.

A round is one of the stored examples: its three pieces shuffled, unnamed, at one tempo and equally
loud. Of a vote nothing is kept about the visitor.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import os
import random
import sqlite3
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from prism.evaluation.bootstrap import Interval, share_interval
from prism.music.performance import shaped
from prism.music.roll import PianoRoll
from prism.music.synthesis import synthesise, write_wav
from prism.service.examples import Example
from prism.service.piece import ShownPiece

Item = TypeVar("Item")
PERSON = "person"
QUESTIONS = {PERSON: "Which one did a person write?", "best": "Which do you like best?"}
REAL = "corpus"
NAMES = {"prism": "Prism", REAL: "the real piece", "amt": "AMT"}
_VELOCITY = 80
_WAIT_SECONDS = 60  # while a whole class votes at once


class Vote(NamedTuple):
    """One answer: in a round of that music, the source `chosen`, which stood in that lane."""

    round: str
    question: str
    music: str
    lane: int
    chosen: str


@dataclasses.dataclass
class Round:
    """Three pieces in their lanes, and what was answered.

    `music` is the stored example's name, `pieces` are by source, in the order of the lanes, `lanes`
    the same as the visitor gets them before the answer, and `answers` the chosen source by
    question.
    """

    music: str
    pieces: dict[str, ShownPiece]
    lanes: list[ShownPiece]
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    identifier: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def question(self) -> str | None:
        """The name of the next question; None once all are answered."""
        return next((name for name in QUESTIONS if name not in self.answers), None)

    def answer(self, question: str, lane: int) -> Vote:
        """Answer a question with a lane, counted from 1."""
        self.answers[question] = list(self.pieces)[lane - 1]
        return Vote(self.identifier, question, self.music, lane, self.answers[question])

    def revealed(self) -> list[ShownPiece]:
        """The lanes with the pieces' words."""
        return [
            dataclasses.replace(
                piece, kind=f"{lane.title}: {piece.kind}", roll=lane.roll, files=lane.files
            )
            for piece, lane in zip(self.pieces.values(), self.lanes, strict=True)
        ]


class Listening:
    """One visitor's rounds of the stored examples and votes, shuffled; kept on the server."""

    def __init__(self, examples: Sequence[Example], chance: random.Random | None = None) -> None:
        self._chance = chance or random.SystemRandom()
        self._examples = examples
        self._waiting = self._shuffled(music_to_judge(examples))
        self.round: Round | None = None
        self.votes: list[Vote] = []

    def __deepcopy__(self, memo: dict) -> Listening:
        """Gradio copies what the page was built with; every visitor gets an order of their own."""
        return Listening(self._examples)

    def next_round(self) -> Round | None:
        """Begin another round, which makes its sound; None after the last."""
        self.round = None
        if not self._waiting:
            return None
        music, _, pieces = self._waiting.pop()
        order = self._shuffled(pieces)
        self.round = Round(music, {name: pieces[name] for name in order}, neutral(pieces, order))
        return self.round

    def _shuffled(self, items: Iterable[Item]) -> list[Item]:
        return self._chance.sample(items := list(items), len(items))


def music_to_judge(examples: Sequence[Example]) -> list[Example]:
    """The stored examples of which nothing was told.

    The page opens with the first, named; where AMT accompanies Prism's melody, two sound alike.
    """
    return [one for one in examples[1:] if one.settings.amt_start != "melody"]


def neutral(pieces: Mapping[str, ShownPiece], order: Sequence[str]) -> list[ShownPiece]:
    """The pieces in that order as lanes "1", "2", "3": at the real one's tempo, equally loud."""
    tempo = pieces[REAL].roll.tempo
    rolls = [_plain(pieces[name].roll, tempo) for name in order]
    sounds = equally_loud([synthesise(shaped(roll)) for roll in rolls])
    lanes = []
    for number, (roll, sound) in enumerate(zip(rolls, sounds, strict=True), 1):
        lane = ShownPiece("", str(number), "", "", str(number), roll)
        lane.add_file("wav", ".wav", lambda path, sound=sound: write_wav(sound, path))
        lanes.append(lane)
    return lanes


def _plain(roll: PianoRoll, tempo: float) -> PianoRoll:
    """The notes at that tempo, without dynamics, which some sources alone may have."""
    velocity = np.where(roll.onset, _VELOCITY, 0).astype(np.uint8)
    return dataclasses.replace(roll, tempo=tempo, velocity=velocity)


def equally_loud(sounds: Sequence[np.ndarray]) -> list[np.ndarray]:
    """All at the RMS of the softest, so that nothing is clipped; silence stays silence."""
    levels = [float(np.sqrt(np.mean(np.square(s, dtype=np.float64)))) for s in sounds]
    lowest = min((level for level in levels if level), default=0.0)
    return [s * (lowest / level) if level else s for s, level in zip(sounds, levels, strict=True)]


def tally_words(votes: Sequence[Vote]) -> str:
    """What votes say, in Markdown: a line a question."""
    total, chosen = tally(votes, PERSON)
    answers = "1 answer" if total == 1 else f"{total} answers"
    lines = [f"- Found the real piece: {_share(*chosen[REAL])} of {answers}; by chance 33 %."]
    total, chosen = tally(votes, "best")
    liked = ", ".join(f"{NAMES[name]} {_share(*found)}" for name, found in chosen.items())
    return "\n".join([*lines, f"- Liked best, of {total}: {liked}."])


def _share(count: int, interval: Interval) -> str:
    low, high = (round(100 * end) for end in interval)
    return f"{count} (95 %: {low} to {high} %)"


def tally(votes: Iterable[Vote], question: str) -> tuple[int, dict[str, tuple[int, Interval]]]:
    """(votes on a question, per source how often it was chosen and the share's 95 % interval)."""
    chosen = [vote.chosen for vote in votes if vote.question == question]
    counts = {name: chosen.count(name) for name in NAMES}
    total = len(chosen)
    return total, {name: (n, share_interval(n, total)) for name, n in counts.items()}


class Ballot:
    """Votes in an SQLite file, each once; any number of threads and processes may add to it."""

    def __init__(self, path: str | os.PathLike) -> None:
        self._path = path
        with self._open() as file:
            file.execute("PRAGMA journal_mode = WAL")
            file.execute(
                "CREATE TABLE IF NOT EXISTS votes (round TEXT, question TEXT, music TEXT, "
                "lane INTEGER, chosen TEXT, UNIQUE (round, question))"
            )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with (
            contextlib.closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as file,
            file,
        ):
            yield file

    def add(self, vote: Vote) -> None:
        """Write a vote down, unless its round's question has one."""
        with self._open() as file:
            file.execute("INSERT OR IGNORE INTO votes VALUES (?, ?, ?, ?, ?)", vote)

    def votes(self) -> list[Vote]:
        """All, in the order in which they came."""
        with self._open() as file:
            return [Vote(*row) for row in file.execute("SELECT * FROM votes ORDER BY rowid")]

    def csv(self) -> str:
        """All as a table with a heading."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([Vote._fields, *self.votes()])
        return text.getvalue()
